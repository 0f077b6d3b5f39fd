"""What tests do with system files: import them, and build what that makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdfgen.describe import describe
from sdfgen.emit.sdf.system_file import system_file
from sdfgen.existing.request import Request
from sdfgen.faults.render import as_text
from sdfgen.importing.convert import import_system
from tests.paths import TESTS

if TYPE_CHECKING:
    from pathlib import Path

    from sdfgen.importing.convert import Imported


FILES = TESTS / "importing" / "files"
BOARDS = ("qemu_virt_aarch64", "odroidc4")
QEMU = BOARDS[0]


def imported(text: str, folder: Path, **options: Any) -> Imported:  # noqa: ANN401 - those of Request
    path = folder / "x.system"
    path.write_text(text, encoding="utf-8")
    return import_system(Request(str(path), **options), str(folder))


def description(text: str, folder: Path, **options: Any) -> str:  # noqa: ANN401 - those of Request
    found = imported(text, folder, **options)
    assert found.text is not None, as_text(found.faults.sorted())
    return found.text


def built(text: str, folder: Path, board: str = QEMU) -> str:
    """The system file that a description makes."""
    (folder / "x.toml").write_text(text, encoding="utf-8")
    described = describe(str(folder / "x.toml"), (), (board,))
    assert not described.faults.errors, as_text(described.faults.sorted())
    return system_file(described.systems[board])
