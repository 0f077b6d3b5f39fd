"""`sdfgen verify`: reads what was built back, and says whether every number is the one that was decided."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from sdfgen.outputs import ELF_FOLDER, REPORT
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.model.guest import Guest
    from sdfgen.model.system import System


class VerifyRequest(NamedTuple):
    """The arguments of `sdfgen verify`."""

    description: str
    settings: tuple[str, ...]
    boards: tuple[str, ...]
    style: str
    out: str | None

    @property
    def folder(self) -> str:
        """The output folder of the build."""
        return self.out or os.path.join(os.path.dirname(self.description), "build")


def verify_and_tell(request: VerifyRequest) -> str:
    """Compare what was built with the description, and return what was compared.

    Leaves with status 1, after telling why, when something differs or is missing.
    """
    from sdfgen.commands.telling import report, tell
    from sdfgen.describe import describe

    description = describe(request.description, request.settings, request.boards)
    report(description, request.style)
    said, found = "", []
    for board, system in description.systems.items():
        folder = os.path.join(request.folder, board)
        said += _compared(system, folder)
        found += list(_board(system, folder))
    if found:
        tell(said, request.style)
        sys.exit("\n".join(f"sdfgen: {line}" for line in found))
    return said


def _board(system: System, folder: str) -> Iterator[str]:
    """Yield what differs in one board's folder."""
    from sdfgen.verify.files import disagreements, mismapped, misplaced

    if not os.path.exists(os.path.join(folder, f"{system.name}.system")):
        yield f"{folder}: nothing was built here"
        return
    report = _report(folder)
    if report is not None:
        from sdfgen.image.learned import with_learned
        from sdfgen.image.report import read_extents, read_maps

        extents = read_extents(report)
        system = with_learned(system, extents.regions)
        yield from misplaced(system, extents)
        yield from mismapped(system, read_maps(report))
    yield from disagreements(system, folder)
    yield from _guests(system, folder)


def _guests(system: System, folder: str) -> Iterator[str]:
    from sdfgen.verify.embedded import guest_disagreements

    for vmm, guest in _vmms(system):
        path = os.path.join(folder, ELF_FOLDER, vmm)
        if os.path.exists(path):
            yield from guest_disagreements(guest, path)


def _vmms(system: System) -> Iterator[tuple[str, Guest]]:
    """Yield program image and guest of every VMM."""
    images = system.images_by_pd()
    yield from ((images[guest.vmm], guest) for guest in system.guests)


def _report(folder: str) -> str | None:
    path = os.path.join(folder, REPORT)
    return path if os.path.exists(path) else None


def _compared(system: System, folder: str) -> str:
    """Say what is compared, and what cannot be."""
    report = _report(folder)
    parts = ["system file", "device trees", "patched ELFs"]
    vmms = [vmm for vmm, _ in _vmms(system) if os.path.exists(os.path.join(folder, ELF_FOLDER, vmm))]
    if vmms:
        parts.append(f"{len(vmms)} linked guests")
    if report is not None:
        from sdfgen.image.report import read_extents

        regions = read_extents(report).regions
        parts.append(
            f"{len(regions)} regions of the tool's report" if regions else "not the report: its form is unknown"
        )
    return f"{folder}: compared {', '.join(parts)}{'' if report else '; no image was packed'}\n"
