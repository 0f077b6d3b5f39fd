"""`sdfgen init`: begins a project in a folder, whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from sdfgen.commands.boards import known_boards
from sdfgen.commands.reference import json_schema
from sdfgen.commands.telling import give_up, refuse, rendered, show, usage
from sdfgen.describe import describe
from sdfgen.faults.fault import Fault
from sdfgen.project.files import DESCRIPTION, SCHEMAS, Project, project_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sdfgen.facts.board import Board

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_TARGETS: Final = frozenset({"all", "check", "clean", "help", "install", "package", "run", "test"})
"""Names that targets of Makefiles and CMake have already."""
_BOARD: Final = "qemu_virt_aarch64"
_GUESTS: Final = 2
_WHAT: Final = {
    DESCRIPTION: "the description",
    "Makefile": "the same by make, with more targets",
    "CMakeLists.txt": "the same system as a target of CMake",
    ".github/workflows/system.yml": "checks, builds and verifies it on GitHub",
    ".gitlab-ci.yml": "checks, builds and verifies it on GitLab",
    ".taplo.toml": "tells editors which schema is whose",
    ".sdfgen/description.schema.json": "what editors complete and check descriptions with",
}


_SCHEMA_LINE: Final = f"#:schema {SCHEMAS['description']}\n"
"""Tells editors what checks a description; the template of new ones has it, too."""


def init(
    folder: str, boards: tuple[str, ...], guests: int | None, source: str | None, *, make: bool, cmake: bool, ci: str
) -> str:
    """Begin a project, and return what to say; leave with status 1 or 2 and why when that can't be done.

    Args:
        folder: The project's folder; it may be there already, without the files that are written.
        boards: Names of the boards to build for; with `source` one, otherwise QEMU's by default.
        guests: Guests that share a disk, beside the one that drives it; 0 for one guest alone. None for some.
        source: A system file to make the description of, instead of a new one.
        make: Write a Makefile.
        cmake: Write a CMakeLists.txt.
        ci: Whose workflow to write: `github`, `gitlab` or `none`.
    """
    if source is not None and guests is not None:
        usage("--guests is for new descriptions; with --from, guests are the system file's")
    if source is not None and len(boards) != 1:
        usage("--from takes one --board: the one that the system file is for")
    above = os.path.dirname(os.path.abspath(folder))
    if not os.path.isdir(above):
        give_up(f"there is no folder {above}: make it, or name another")
    count = _GUESTS if guests is None else guests
    needs_disk = count > 0 and source is None
    known = _boards(folder, boards or (_BOARD,), needs_disk=needs_disk)
    project = Project(_name(folder), known, count if needs_disk else 0, make, cmake, ci, source)
    files = project_files(project, {of: json_schema(of) for of in SCHEMAS})
    remarks: tuple[str, ...] = ()
    if source is not None:
        text, remarks = _imported(source, folder, project)
        files[DESCRIPTION] = (_SCHEMA_LINE + text).encode()
    there = [name for name in files if os.path.lexists(os.path.join(folder, name))]
    if there:
        give_up(f"{folder} has {', '.join(there)} already; name a new folder, or move them away (nothing was written)")
    try:
        _write(folder, files, is_judged=source is not None)
    except OSError as error:
        place = error.filename if os.path.lexists(error.filename or "") else above
        give_up(f"{place}: {error.strerror}; nothing was written")
    return _said(folder, project, files, remarks)


def _imported(source: str, folder: str, project: Project) -> tuple[str, tuple[str, ...]]:
    """Return the description of a system file, which makes the same system, and what there is to say of it."""
    from sdfgen.existing.request import Request
    from sdfgen.importing.convert import import_system

    imported = import_system(Request(source, project.boards[0].name), folder, project.name)
    if imported.text is None:
        refuse([fault for fault in imported.faults.sorted() if fault.severity == "error"], "text")
    return imported.text, imported.said


def _name(folder: str) -> str:
    name = os.path.basename(os.path.abspath(folder))
    if not _NAME.fullmatch(name):
        usage(f"{name!r} can't be a system's name, which has letters, digits, _ and -: name another folder")
    if name in _TARGETS:
        usage(f"{name!r} is a target of every Makefile: name another folder")
    return name


def _boards(folder: str, names: tuple[str, ...], *, needs_disk: bool) -> tuple[Board, ...]:
    found = known_boards(folder, names)
    for board in found:
        if needs_disk and board.facts.disk is None:
            message = f"the board file of `{board.name}` has no [disk] that a guest could drive"
            refuse([Fault("SDF125", message, board.facts.where, "add one, or take --guests 0")], "text", 2)
    return found


def _write(folder: str, files: Mapping[str, bytes], *, is_judged: bool) -> None:
    """Write all files, after seeing that the description is good; none when one can't be written."""
    above = os.path.dirname(os.path.abspath(folder))
    stage = tempfile.mkdtemp(prefix=".sdfgen-init-", dir=above)
    made: list[str] = []
    try:
        for name, content in files.items():
            _put(os.path.join(stage, name), content)
        if not is_judged:
            _judge(stage, folder)
        for name, content in files.items():
            path = os.path.join(folder, name)
            made += _make_folders(os.path.dirname(path))
            _put(path, content)
            made.append(path)
    except BaseException:
        _remove(made)
        raise
    finally:
        shutil.rmtree(stage)


def _put(path: str, content: bytes) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "xb") as file:
        try:
            file.write(content)
            file.flush()
        except OSError:
            os.unlink(path)
            raise


def _judge(stage: str, folder: str) -> None:
    """Leave with status 1 when the description is no good: too many guests, a name that is too long."""
    own = os.path.join(folder, "boards")
    if os.path.isdir(own):
        shutil.copytree(own, os.path.join(stage, "boards"))
    faults = describe(os.path.join(stage, DESCRIPTION)).faults
    if faults.errors:
        for fault in faults:
            fault.where.source.name = DESCRIPTION
        show(rendered([fault for fault in faults.sorted() if fault.severity == "error"], "text"), "text")
        give_up(f"nothing was written: {DESCRIPTION} is what {folder} would have begun with")


def _make_folders(folder: str) -> list[str]:
    """Make a folder and those above it; return the new ones, those above first."""
    missing = []
    while folder and not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for path in reversed(missing):
        os.mkdir(path)
    return missing[::-1]


def _remove(paths: Iterable[str]) -> None:
    for path in reversed(list(paths)):
        with suppress(OSError):
            os.rmdir(path) if os.path.isdir(path) else os.unlink(path)


def _said(folder: str, project: Project, files: Iterable[str], remarks: Iterable[str]) -> str:
    boards = ", ".join(board.name for board in project.boards)
    lines = [f"{folder}: {project.summary.rstrip('.')}; for {boards}"]
    lines += [f"  {name:<36} {_WHAT[name]}" for name in files if name in _WHAT]
    lines += [f"  note: {remark}" for remark in remarks]
    go = "" if os.path.abspath(folder) == os.getcwd() else f"cd {folder} && "
    lines += ["", f"next: {go}sdfgen build {DESCRIPTION}", "      sdfgen doctor says what the bootable image takes"]
    return "\n".join(lines) + "\n"
