"""The files of a new project: a description that builds at once, and what builds, checks and edits it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from sdfgen.facts.templates import rendered
from sdfgen.records import NamedTuple
from sdfgen.spec.description import SystemTable
from sdfgen.spec.guest import GuestTable
from sdfgen.units import size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.facts.board import Board

DESCRIPTION: Final = "system.toml"
SCHEMAS: Final = {"description": ".sdfgen/description.schema.json", "board": ".sdfgen/board.schema.json"}
"""Where editors find what checks descriptions and board files."""
CI: Final = {"github": {".github/workflows/system.yml": "github.yml"}, "gitlab": {".gitlab-ci.yml": "gitlab.yml"}}
_ALWAYS: Final = {
    DESCRIPTION: "system.toml",
    ".gitignore": "gitignore",
    ".editorconfig": "editorconfig",
    ".taplo.toml": "taplo.toml",
    ".vscode/extensions.json": "vscode.json",
}
"""Files by path, each with its template."""
DRIVER: Final = "storage"
ALONE: Final = "linux"


class Project(NamedTuple):
    """What somebody wants to begin with.

    Attributes:
        name: The system's name.
        boards: The boards to build for; the first is the one that the description is written for.
        guests: Guests that share a disk, beside the one that drives it; 0 for one guest alone.
        make: There is a Makefile.
        cmake: There is a CMakeLists.txt.
        ci: Whose workflow there is: a key of `CI`, or anything else for none.
        source: The system file that the description was made of; None for a new one.
    """

    name: str
    boards: tuple[Board, ...]
    guests: int
    make: bool
    cmake: bool
    ci: str
    source: str | None = None

    @property
    def summary(self) -> str:
        """What it is, in a line."""
        if self.source is not None:
            return f"What {self.source} describes."
        if self.guests == 0:
            return "A Linux guest alone."
        clients = "One Linux guest uses" if self.guests == 1 else f"{self.guests} Linux guests share"
        return f"{clients} a disk, which another Linux guest drives."


class _Disk(NamedTuple):
    """What a board's guest needs to drive its disk, as it is written."""

    board: str
    devices: tuple[str, ...]
    storage: str
    ram: str | None
    tree: str | None


def project_files(project: Project, schemas: dict[str, str]) -> dict[str, bytes]:
    """Return the files of a new project by their paths.

    Args:
        project: What is wanted; of the boards each has a disk when there are guests that share one.
        schemas: JSON Schemas by the keys of `SCHEMAS`.
    """
    disks = tuple(_disks(project.boards)) if project.guests else ()
    first, *others = disks or (None,)
    values = {
        "name": project.name,
        "summary": project.summary,
        "boards": [board.name for board in project.boards],
        "microkit": SystemTable.keys["microkit"].default,
        "driver": DRIVER if project.guests else None,
        "clients": [f"client{number}" for number in range(1, project.guests + 1)] or [ALONE],
        "first": first,
        "others": others,
        "runs_on": next((board.name for board in project.boards if board.facts.qemu is not None), None),
        "usual_ram": size_text(GuestTable.keys["ram"].default),
    }
    texts = {path: rendered(f"project/{template}.j2", **values) for path, template in _templates(project).items()}
    texts |= {SCHEMAS[of]: text for of, text in schemas.items()}
    return {path: text.encode() for path, text in texts.items()}


def _templates(project: Project) -> dict[str, str]:
    made = {"Makefile": project.make, "CMakeLists.txt": project.cmake}
    return {**_ALWAYS, **{name: name for name, wanted in made.items() if wanted}, **CI.get(project.ci, {})}


def _disks(boards: tuple[Board, ...]) -> Iterator[_Disk]:
    for board in boards:
        disk = board.facts.disk
        if disk is not None:
            ram = size_text(disk.ram) if disk.ram is not None else None
            guest = board.facts.guest
            needs_tree = guest is not None and not guest.complete_tree
            tree = os.path.basename(guest.tree or "board.dtb") if guest is not None and needs_tree else None
            yield _Disk(board.name, disk.devices, disk.storage, ram, tree)
