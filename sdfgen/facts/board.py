"""Boards: their files, found and read."""

from __future__ import annotations

import os
from typing import NamedTuple

from sdfgen.facts.board_tables import BoardFile, DeviceFacts
from sdfgen.facts.data import data_path
from sdfgen.faults.fault import Faults
from sdfgen.read.toml import parse, read_source


class Device(NamedTuple):
    """A device that can be passed through; `facts` holds what its node needs."""

    name: str
    base: int
    size_bytes: int
    intid: int | None
    facts: DeviceFacts


class Board(NamedTuple):
    """A board: its file, and its devices by name.

    Attributes:
        name: The board's name, as Microkit calls it.
        path: The file it was read from.
        facts: The content of that file.
        devices: Devices by name, slots included.
    """

    name: str
    path: str
    facts: BoardFile
    devices: dict[str, Device]

    @property
    def address_limit(self) -> int:
        """First address beyond what protection domains and guests can map."""
        return int(1 << self.facts.board.physical_address_bits)

    def device_text(self) -> str:
        """Return the names of all devices, a row of slots as its first and last."""
        rows = [f"{row.name}0 to {row.name}{row.count - 1}" for row in self.facts.slots]
        return ", ".join([*(device.name for device in self.facts.device), *rows])

    def cores(self, config: str) -> int:
        """Return the number of cores that a Microkit configuration runs on."""
        return self.facts.board.cores if config.startswith("smp-") else 1


def board_files(folder: str | None = None) -> dict[str, str]:
    """Return the board files there are, by the board's name.

    Args:
        folder: Of a description: its own `boards/` comes before the tool's.
    """
    folders = [data_path("boards"), *([os.path.join(folder, "boards")] if folder is not None else [])]
    found: dict[str, str] = {}
    for boards in filter(os.path.isdir, folders):
        found |= {name[:-5]: os.path.join(boards, name) for name in os.listdir(boards) if name.endswith(".toml")}
    return dict(sorted(found.items()))


def load_board(name: str, path: str, faults: Faults) -> Board | None:
    """Read a board file; None, with faults, when it is no good.

    Args:
        name: The board's name.
        path: Its file, of `board_files()`.
        faults: Takes what is wrong with the file.
    """
    own = Faults()
    source = read_source(path, own)
    node = parse(source, own) if source else None
    facts = BoardFile.read(node, own) if node else None
    faults.extend(own)
    if facts is None or own.errors:
        return None
    return Board(name, path, facts, _devices(facts))


def _devices(facts: BoardFile) -> dict[str, Device]:
    found = {d.name: Device(d.name, d.base, d.size, d.intid, d) for d in facts.device}
    for row in facts.slots:
        for i in range(row.count):
            name = f"{row.name}{i}"
            intid = None if row.intid is None else row.intid + i
            found[name] = Device(name, row.base + row.step * i, row.step, intid, row)
    return found
