"""Patches numbers into variables of linked ELF files, and proves that they arrived.

`patch_file` writes, `plan_file` says what would be written, `verify_file` and `read_values` read
back. Importing this package loads neither LIEF nor pyelftools: each call loads what it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patcher.errors import PatchError
from patcher.values import PatchRecord, PatchRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "PatchError",
    "PatchRecord",
    "PatchRequest",
    "patch_file",
    "plan_file",
    "read_values",
    "verify_file",
]


def patch_file(source: str, target: str, requests: Sequence[PatchRequest]) -> tuple[PatchRecord, ...]:
    """Write a copy of an ELF file in which the requested variables have the requested values.

    Every byte outside the variables is that of the source, and so are the mode bits. The target
    appears at once and complete, or not at all. A target that is already right is not touched and
    keeps its modification time.

    Args:
        source: Path of a linked 64-bit little-endian ELF file.
        target: Path of the file to write; may be the source.
        requests: The values; all are written in one pass.

    Returns:
        One record per distinct request, in their order.

    Raises:
        PatchError: A request cannot be met or a file cannot be read or written; target and source
            are as before. Faults of several requests are reported together, in `also`.
    """
    from patcher.patch import patch_file as run

    return run(source, target, requests)


def plan_file(path: str, requests: Sequence[PatchRequest]) -> tuple[PatchRecord, ...]:
    """Return what `patch_file` would do, without writing.

    Args:
        path: Path of a linked 64-bit little-endian ELF file.
        requests: The values.

    Returns:
        One record per distinct request, in their order.

    Raises:
        PatchError: A request cannot be met or the file cannot be read.
    """
    from patcher.verify import plan_file as run

    return run(path, requests)


def verify_file(path: str, requests: Sequence[PatchRequest]) -> tuple[PatchRecord, ...]:
    """Check, with pyelftools alone, that variables have the requested values.

    Args:
        path: Path of a linked 64-bit little-endian ELF file.
        requests: The values that are expected.

    Returns:
        One record per distinct request, `old` equal to `new`.

    Raises:
        PatchError: A value differs, a request is impossible or the file cannot be read.
    """
    from patcher.verify import verify_file as run

    return run(path, requests)


def read_values(path: str, symbols: Iterable[str]) -> dict[str, int]:
    """Read unsigned integers out of an ELF file, with pyelftools alone.

    Args:
        path: Path of a linked 64-bit little-endian ELF file.
        symbols: Names or paths of variables of 1, 2, 4 or 8 bytes.

    Returns:
        The value of each variable, in the order asked for.

    Raises:
        PatchError: A variable cannot be found or the file cannot be read.
    """
    from patcher.verify import read_values as run

    return run(path, symbols)
