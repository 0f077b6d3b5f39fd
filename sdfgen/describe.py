"""From a file name to checked systems: the phases read, resolve and rules in a row."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from sdfgen import judge
from sdfgen.facts.board import board_files, load_board
from sdfgen.facts.dialects import CONFIGS, DIALECTS, SMP_SINCE
from sdfgen.faults.fault import Fault, Faults, suggestion
from sdfgen.faults.source import Source, Where
from sdfgen.read.load import load, setting
from sdfgen.read.merge import override
from sdfgen.resolve.system import resolve
from sdfgen.spec.description import Spec, SystemTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sdfgen.facts.dialects import Dialect
    from sdfgen.model.system import System
    from sdfgen.read.toml import Node


class Description(NamedTuple):
    """A description with everything made of it.

    Attributes:
        path: Its file.
        specs: What the author wrote, by board.
        systems: What it makes, by board; boards with errors are missing.
        files: Every file that was read: description, includes, board files.
        faults: Everything that is wrong.
    """

    path: str
    specs: dict[str, Spec]
    systems: dict[str, System]
    files: tuple[str, ...]
    faults: Faults


def describe(path: str, settings: Sequence[str] = (), boards: Sequence[str] = ()) -> Description:
    """Read, resolve and check a description.

    Args:
        path: The description's file.
        settings: `path=value` settings that override it.
        boards: Boards to build for instead of the description's.
    """
    faults = Faults()
    root, files = load(path, faults)
    if root is None:
        return Description(path, {}, {}, tuple(files), faults)
    overrides = [node for text in settings if (node := setting(text, faults)) is not None]
    root = _overridden(root, overrides)
    variants = root.value.pop("board", None)
    known = board_files(os.path.dirname(path))
    wanted = _wanted_boards(root, boards, list(known), faults)
    described = {name: _one_board(name, known[name], root, variants, overrides) for name in wanted}
    faults.extend(_joined({name: one.faults for name, one in described.items()}))
    specs = {name: one.spec for name, one in described.items() if one.spec is not None}
    systems = {name: one.system for name, one in described.items() if one.system is not None}
    _check_variants(variants, specs, root, list(known), faults)
    return Description(path, specs, systems, (*files, *(known[name] for name in wanted)), faults)


def _joined(by_board: dict[str, Faults]) -> Iterator[Fault]:
    """Yield each fault once; one that not all boards have says which do."""
    boards_of: dict[Fault, list[str]] = {}
    for name, faults in by_board.items():
        for fault in faults:
            boards_of.setdefault(fault, []).append(name)
    for fault, names in boards_of.items():
        said = len(names) == len(by_board) or all(f"`{name}`" in fault.message for name in names)
        suffix = "" if said else " (on " + ", ".join(f"`{name}`" for name in names) + ")"
        yield fault._replace(message=fault.message + suffix)


def _overridden(root: Node, overrides: list[Node]) -> Node:
    for node in overrides:
        root = override(root, node)
    return root


def _wanted_boards(root: Node, boards: Sequence[str], known: list[str], faults: Faults) -> list[str]:
    """Return the boards to build for, each known and once."""
    system = root.value.get("system")
    listed = system.value.get("boards") if system and isinstance(system.value, dict) else None
    if listed is None or not isinstance(listed.value, list):
        Spec.read(root, faults)
        return []
    for node in listed.value:
        if isinstance(node.value, str) and node.value not in known:
            faults.add(_unknown_board(node.value, node.where, known))
    if not listed.value:
        faults.add(Fault("SDF010", "no board to build for", listed.where, f"known boards: {', '.join(known)}"))
    for name in set(boards) - set(known):
        faults.add(_unknown_board(name, Where(Source(f"--board {name}", name)), known))
    names = boards or [node.value for node in listed.value if isinstance(node.value, str)]
    wanted = [name for name in dict.fromkeys(names) if name in known]
    if not wanted:
        Spec.read(root, faults)
    return wanted


def _unknown_board(name: str, where: Where, known: list[str]) -> Fault:
    message = f"unknown board `{name}`{suggestion(name, known)}"
    return Fault("SDF010", message, where, f"known boards: {', '.join(known)}")


class _OneBoard(NamedTuple):
    spec: Spec | None
    system: System | None
    faults: Faults


def _one_board(name: str, path: str, root: Node, variants: Node | None, overrides: list[Node]) -> _OneBoard:
    """Read and resolve one board's variant of the description."""
    board_faults = Faults()
    board = load_board(name, path, board_faults)
    if board is None:
        return _OneBoard(None, None, board_faults)
    spec, own = _variant(name, root, variants, overrides)
    own.extend(board_faults)
    system = None
    dialect = _dialect(spec.system, own)
    if dialect is not None:
        system = resolve(spec, board, dialect, os.path.dirname(root.where.source.path or ""), own)
        judge.check(system, own)
    return _OneBoard(spec, None if own.errors else system, own)


def _variant(name: str, root: Node, variants: Node | None, overrides: list[Node]) -> tuple[Spec, Faults]:
    """Lay a board's own values over the description's, and the command line's over both."""
    own = Faults()
    special = variants.value.get(name) if variants and isinstance(variants.value, dict) else None
    if special is not None and isinstance(special.value, dict):
        root = override(root, special)
        root = _overridden(root, [node for node in overrides if "board" not in node.value])
    return Spec.read(root, own), own


def _dialect(system: SystemTable | None, faults: Faults) -> Dialect | None:
    """Return the Microkit version; for an unknown one the default, so that the rest is checked too."""
    if system is None:
        return None
    dialect = DIALECTS.get(system.microkit)
    if dialect is None:
        near = suggestion(system.microkit, DIALECTS)
        message = f"unknown Microkit version {system.microkit!r}{near}"
        faults.add(Fault("SDF010", message, system.at("microkit"), f"known versions: {', '.join(DIALECTS)}"))
        dialect = DIALECTS[SystemTable.keys["microkit"].default]
    if system.config not in CONFIGS:
        near = suggestion(system.config, CONFIGS)
        message = f"unknown Microkit configuration {system.config!r}{near}"
        faults.add(Fault("SDF010", message, system.at("config"), f"known configurations: {', '.join(CONFIGS)}"))
    elif system.config.startswith("smp-") and dialect.version < SMP_SINCE:
        message = f"Microkit {dialect.version} has no configuration {system.config!r}"
        faults.add(Fault("SDF010", message, system.at("config"), f"smp configurations exist from {SMP_SINCE}"))
    return dialect


def _check_variants(
    variants: Node | None, specs: dict[str, Spec], root: Node, known: list[str], faults: Faults
) -> None:
    """Read the overrides of boards that are not built for too, so that a mistake there is not silent."""
    if variants is None:
        return
    if not isinstance(variants.value, dict):
        faults.add(Fault("SDF003", "`board` must be a table of board names", variants.where, "write [board.NAME]"))
        return
    for name, node in variants.value.items():
        if name not in known:
            faults.add(_unknown_board(name, node.where.of_key(), known))
        elif not isinstance(node.value, dict):
            faults.add(
                Fault(
                    "SDF003",
                    f"`board.{name}` must be a table",
                    node.where,
                    "write its keys below [board.NAME]",
                )
            )
        elif name not in specs:
            faults.extend(_variant(name, root, variants, [])[1])
