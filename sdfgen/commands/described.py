"""A description as `check` sees it: with what a build of it would use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.describe import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sdfgen.describe import Description


def described(path: str, settings: Sequence[str], boards: Sequence[str]) -> Description:
    """Read and check a description, and what it would be built with.

    Args:
        path: The description's file.
        settings: `path=value` settings that override it.
        boards: Boards to check it for instead of its own.
    """
    result = describe(path, settings, boards)
    if not result.faults.errors:
        _look_at_toolchains(result)
    return result


def _look_at_toolchains(result: Description) -> None:
    """Look at what a build would use, as far as that can be seen without one.

    A description that leaves the compiler open is good without one; that there is none is worth a note.
    """
    from sdfgen.build.brought import toolchain_faults
    from sdfgen.build.toolchain import find_toolchain

    for board, system in result.systems.items():
        table = result.specs[board].toolchain
        toolchain = find_toolchain(table, system)
        is_open = "cc" not in toolchain.places
        for fault in toolchain_faults(toolchain, table, system):
            lacks_default = is_open and fault.code == "SDF172"
            result.faults.add(fault._replace(severity="note") if lacks_default else fault)
