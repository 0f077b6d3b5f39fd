"""What a system file is checked for: board, version and configuration, as far as somebody says them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen import judge
from sdfgen.facts.board import Board, board_files, load_board
from sdfgen.facts.board_tables import BoardFile
from sdfgen.facts.dialects import CONFIGS, DIALECTS, SMP_SINCE
from sdfgen.faults.fault import Fault, Faults, suggestion
from sdfgen.faults.source import Source, Where
from sdfgen.read.toml import Node
from sdfgen.records import NamedTuple
from sdfgen.subsystems import register

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sdfgen.facts.dialects import Dialect
    from sdfgen.read.element import Element

_WIDEST_BITS = 48
"""No board's addresses reach further."""
_MOST_CORES = 64


class Target(NamedTuple):
    """What a system file is checked for.

    Attributes:
        board: The board; one that has nothing but the widest addresses where there are no facts about it.
        name: What somebody calls it; None where nobody does.
        known: There are facts about it.
        options: Places of what the command line decides, by property.
    """

    board: Board
    name: str | None
    known: bool
    options: Mapping[str, Where]

    def config_for(self, root: Element, dialect: Dialect) -> str:
        """Return the configuration that a file's cores ask for.

        Args:
            root: The file's root.
            dialect: The Microkit version.
        """
        several = any(e.values.get("cpu") for e in root.walk()) and dialect.at_least(SMP_SINCE)
        return "smp-debug" if several else "debug"


def target_of(board: str | None, microkit: str | None, config: str | None, faults: Faults) -> Target | None:
    """Return what is asked for; None, with faults, where there is no such thing.

    Args:
        board: The board's name.
        microkit: The Microkit version.
        config: The Microkit configuration.
        faults: Takes names that lead nowhere.
    """
    given = {"board": board, "microkit": microkit, "config": config}
    options = {key: Where(Source(f"--{key} {value}", value)) for key, value in given.items() if value is not None}
    own = Faults()
    for key, what, known in (("microkit", "version", tuple(DIALECTS)), ("config", "configuration", CONFIGS)):
        value = given[key]
        if value is not None and value not in known:
            message = f"unknown Microkit {what} {value!r}{suggestion(value, known)}"
            own.add(Fault("SDF010", message, options[key], f"known: {', '.join(known)}"))
    found = _unknown() if board is None else _named(board, config, options["board"], own)
    faults.extend(own)
    if found is None or own.errors:
        return None
    return Target(found, board, bool(found.name), options)


def _unknown() -> Board:
    """Return a board of which nothing is known but that it has no wider addresses than any."""
    return Board("", "", _facts(physical_address_bits=_WIDEST_BITS, cores=_MOST_CORES), {})


def _facts(**fields: int) -> BoardFile:
    """Return a board file that nobody wrote."""
    where = Where(Source("no board file", ""))
    table = Node({key: Node(value, where) for key, value in {"summary": "none", **fields}.items()}, where)
    return BoardFile.with_keys(register.board_keys()).read(Node({"board": table}, where), Faults())


def _named(name: str, config: str | None, where: Where, faults: Faults) -> Board | None:
    files = board_files(os.curdir)
    if name in files:
        board = load_board(name, files[name], faults, register.board_keys())
        if board is not None:
            judge.check_board(board, faults)
        return board
    from sdfgen.facts.unknown_board import WITHOUT_FACTS, architecture, unknown_board

    sdk = os.environ.get("MICROKIT_SDK") or None
    told = _of_sdk(name, config, sdk) if sdk is not None else None
    if told is not None:
        message = f"board `{name}` has no board file: what the Microkit SDK tells of it is judged, and no devices"
        faults.add(Fault("SDF010", message, where, "", (), "note"))
        return told
    message, advice = unknown_board(name, list(files), sdk)
    is_one = name in WITHOUT_FACTS or architecture(name, sdk) is not None
    if name in WITHOUT_FACTS:
        message = f"board `{name}` has no board file: what it decides is not judged"
    faults.add(Fault("SDF010", message, where, advice, (), "note" if is_one else "error"))
    return _unknown() if is_one else None


def _of_sdk(name: str, config: str | None, sdk: str) -> Board | None:
    """Return what an SDK knows of a board: its memory, its kernel and its cores; None where it has none such."""
    from sdfgen.facts.sdk import AARCH64, SdkError, configs_of, read_sdk
    from sdfgen.facts.sdk_fill import fill

    known = configs_of(sdk, name)
    wanted = config if config in known else next(iter(known), None)
    try:
        told = read_sdk(sdk, name, wanted) if wanted is not None else None
    except SdkError:
        return None
    if told is None or told.architecture != AARCH64 or not told.memory:
        return None
    facts, filled = fill(_facts(), told)
    return Board(name, told.folder, facts, {}, filled) if facts.board.physical_address_bits else None
