"""A system as it was built: read from the system file and the manifest of a board's folder."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from sdfgen.facts.dialects import DIALECTS
from sdfgen.faults.fault import Faults
from sdfgen.model.system import Patch, Service
from sdfgen.outputs import MANIFEST

if TYPE_CHECKING:
    from sdfgen.facts.board import Board
    from sdfgen.model.system import System
    from sdfgen.read.element import Element


class BuiltError(Exception):
    """Why a folder is none that a build made, in words."""


def built_folders(path: str) -> dict[str, str]:
    """Return the boards' folders of a build, by board.

    Args:
        path: A board's folder, or the one around those of all boards.

    Raises:
        BuiltError: When there is none.
    """
    folders = [path, *(os.path.join(path, name) for name in sorted(os.listdir(path)))]
    made = [folder for folder in folders if os.path.isfile(os.path.join(folder, MANIFEST))]
    if not made:
        raise BuiltError(f"{path} is no output folder of a build: no {MANIFEST} is in it")
    return {_manifest(folder)["board"]: folder for folder in (made[:1] if made[0] == path else made)}


def built_system(folder: str) -> System:
    """Return the system that a board's folder was built from.

    What the system file has is there; what guests are beyond their virtual machines is not.

    Args:
        folder: The board's folder.

    Raises:
        BuiltError: When it is not as a build leaves it.
    """
    from sdfgen.existing.system import Surroundings, system_of

    manifest = _manifest(folder)
    board = _board(manifest["board"], folder)
    path = os.path.join(folder, f"{manifest['system']}.system")
    root = _root(path)
    try:
        around = Surroundings(board, DIALECTS[manifest["microkit"]], manifest["config"], (folder,), {})
        return system_of(root, manifest["system"], around)._replace(
            patches=tuple(_patch(one, root) for one in manifest["patches"]),
            services=tuple(
                Service(one["who"], tuple(one["may"]), one["what"], root, "") for one in manifest["services"]
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BuiltError(f"{path} is not as sdfgen wrote it: {error}") from error


def _root(path: str) -> Element:
    """Return the root of a system file, the values of whose attributes are read."""
    from sdfgen.existing.forms import read
    from sdfgen.existing.text import read_text

    try:
        os.stat(path)
    except OSError as error:
        raise BuiltError(f"{path}: {error.strerror or error}") from error
    faults = Faults()
    text = read_text(path, (), faults)
    if text is not None:
        read(text.root, faults)
    errors = [fault for fault in faults.sorted() if fault.severity == "error"]
    if text is None or errors:
        raise BuiltError(f"{path} is not as sdfgen wrote it: {errors[0].message}")
    return text.root


def _manifest(folder: str) -> dict[str, Any]:
    path = os.path.join(folder, MANIFEST)
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        kinds = {"system": str, "board": str, "microkit": str, "config": str, "patches": list, "services": list}
        if all(isinstance(found[key], kind) for key, kind in kinds.items()) and "/" not in found["system"]:
            return dict(found)
    except OSError as error:
        raise BuiltError(f"{path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise BuiltError(f"{path} is no manifest of a build by this version of sdfgen")


def _board(name: str, folder: str) -> Board:
    """Return the board, whose file lies among the tool's or beside the description above the output folder."""
    from sdfgen.facts.board import board_files, load_board
    from sdfgen.subsystems import register

    files = board_files(os.path.dirname(os.path.dirname(os.path.abspath(folder))))
    board = load_board(name, files[name], Faults(), register.board_keys()) if name in files else None
    if board is None:
        raise BuiltError(f"{folder} was built for board {name!r}, which has no file here")
    return board


def _patch(record: dict[str, Any], root: Element) -> Patch:
    return Patch(record["elf"], record["symbol"], _value(record["value"]), None, root, record["why"])


def _value(written: str | list[str] | None) -> int | tuple[int, ...] | str | None:
    """Return a value as the manifest writes it: numbers in hexadecimal."""
    if isinstance(written, list):
        return tuple(int(one, 16) for one in written)
    return int(written, 16) if written is not None and written.startswith("0x") else written
