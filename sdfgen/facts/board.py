"""Boards: their files, found and read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

from sdfgen.facts.board_tables import BoardFile, DeviceFacts
from sdfgen.facts.data import data_path
from sdfgen.faults.fault import Fault, Faults
from sdfgen.read.toml import parse, read_source
from sdfgen.records import NamedTuple
from sdfgen.schema.table import Many

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sdfgen.facts.board_tables import ConsoleTable, EmulatedTable, GicTable, GuestTable
    from sdfgen.facts.sdk import Sdk
    from sdfgen.facts.sdk_fill import Filled
    from sdfgen.faults.source import Where
    from sdfgen.schema.table import Key, Table

LACKING = "SDF125"
ROOT_OBJECTS_BYTES = 0x9000
"""What the kernel takes at the top of RAM beside the root server's CNode."""
OLD_CNODE_BYTES = 1 << (12 + 5)
"""That CNode up to Microkit 2.0.1, the versions that make one allocation of all pages of a size."""


class Device(NamedTuple):
    """A device that can be passed through; `facts` holds what its node needs."""

    name: str
    base: int
    size_bytes: int
    intid: int | None
    facts: DeviceFacts


class Board(NamedTuple):
    """A board: its file, and its devices by name.

    The properties that are tables are for what has asked `lacking` before.

    Attributes:
        name: The board's name, as Microkit calls it.
        path: The file it was read from.
        facts: The content of that file.
        devices: Devices by name, slots included.
        filled: What the Microkit SDK filled in.
    """

    name: str
    path: str
    facts: BoardFile
    devices: dict[str, Device]
    filled: tuple[Filled, ...] = ()

    @property
    def gic(self) -> GicTable:
        """The interrupt controller."""
        return _there(self.facts.gic, "gic")

    @property
    def guest(self) -> GuestTable:
        """What Linux guests look like."""
        return _there(self.facts.guest, "guest")

    @property
    def emulated(self) -> EmulatedTable:
        """Where guests see emulated devices."""
        return _there(self.facts.emulated, "emulated")

    @property
    def console(self) -> ConsoleTable:
        """Where guests see their console."""
        return _there(self.facts.console, "console")

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

    def guest_gic(self) -> Iterator[tuple[int, int]]:
        """Yield start and size of the registers of the interrupt controller that guests look for."""
        gic = self.gic
        yield gic.distributor, gic.distributor_size
        if gic.cpu_interface is not None and gic.cpu_interface_size is not None:
            yield gic.cpu_interface, gic.cpu_interface_size
        if gic.redistributor is not None and gic.redistributor_size is not None:
            yield gic.redistributor, gic.redistributor_size

    @property
    def mapped_cpu_interface(self) -> tuple[int, int] | None:
        """The physical address of the virtual CPU interface, and where guests look for it; a GICv3 has none."""
        physical, seen = self.gic.vcpu_interface, self.gic.cpu_interface
        return None if physical is None or seen is None else (physical, seen)

    @property
    def single_allocation_bytes(self) -> int:
        """Largest allocation of 2 MiB pages by Microkit up to 2.0.1: a power of two, aligned, inside free RAM."""
        if self.facts.large_pages is not None:
            return self.facts.large_pages.single_allocation
        top = max(part.base + part.size for part in self.facts.ram) - OLD_CNODE_BYTES - ROOT_OBJECTS_BYTES
        kernel = self.facts.kernel
        low, high = (kernel.base, kernel.base + kernel.reserve) if kernel else (0, 0)
        parts = [(part.base, min(part.base + part.size, top)) for part in self.facts.ram]
        split = [piece for start, end in parts for piece in _without(start, end, low, high)]
        return max((_largest_block(start, end) for start, end in split), default=0)


_Table = TypeVar("_Table")


def _there(table: _Table | None, name: str) -> _Table:
    if table is None:
        raise LookupError(f"nobody asked whether the board file has [{name}]")
    return table


def _without(start: int, end: int, low: int, high: int) -> list[tuple[int, int]]:
    """Return what is left of a range without another."""
    if high <= start or end <= low:
        return [(start, end)]
    return [(start, low), (high, end)]


def _largest_block(start: int, end: int) -> int:
    """Return the size of the largest aligned power of two in a range."""
    for bits in range(end.bit_length(), 0, -1):
        if -(-start >> bits) + 1 << bits <= end:
            return 1 << bits
    return 0


def lacking(board: Board, tables: Iterable[str]) -> tuple[str, ...]:
    """Return which of some tables a board file does not have.

    Args:
        board: The board.
        tables: Names of top-level tables of board files.
    """
    return tuple(name for name in tables if not board.facts.of(name))


def lacking_fault(board: Board, tables: Iterable[str], by: str, where: Where) -> Fault | None:
    """Return the fault that a board file lacks tables; None when it has them.

    Args:
        board: The board.
        tables: The tables that are needed.
        by: Who needs them, such as "guest `client1`".
        where: The place of that in the description.
    """
    missing = lacking(board, tables)
    if not missing:
        return None
    double = {name for name, wanted in BoardFile.keys.items() if isinstance(wanted.reader, Many)}
    named = [f"[[{name}]]" if name in double else f"[{name}]" for name in missing]
    text = " and ".join((", ".join(f"`{name}`" for name in named[:-1]), f"`{named[-1]}`")).removeprefix(" and ")
    message = f"{by} needs {text} of the board file of `{board.name}`, which has no such table"
    notes = ((board.facts.where, "the board file"),)
    advice = "add it there: docs/boards.md has what it says and where to find that"
    return Fault(LACKING, message, where, advice, notes)


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


def load_board(name: str, path: str, faults: Faults, more: Mapping[str, Key], sdk: Sdk | None = None) -> Board | None:
    """Read a board file; None, with faults, when it is no good.

    Args:
        name: The board's name.
        path: Its file, of `board_files()`.
        faults: Takes what is wrong with the file.
        more: Tables that subsystems add to board files.
        sdk: What a Microkit SDK knows of the board; it fills in what the file leaves out.
    """
    own = Faults()
    source = read_source(path, own)
    node = parse(source, own) if source else None
    facts = BoardFile.with_keys(more).read(node, own) if node else None
    filled: tuple[Filled, ...] = ()
    if facts is not None and not own.errors:
        if sdk is not None:
            from sdfgen.facts.sdk_fill import fill

            facts, filled = fill(facts, sdk)
        own.extend(_unfilled(facts))
    faults.extend(own)
    if facts is None or own.errors:
        return None
    return Board(name, path, facts, _devices(facts), filled)


def _unfilled(facts: BoardFile) -> Iterator[Fault]:
    """Yield what the file leaves out and no SDK has filled in."""
    keys: list[tuple[Table, str]] = [(facts, "ram"), (facts.board, "physical_address_bits"), (facts.board, "cores")]
    keys += [(facts.gic, "version")] if facts.gic else []
    for table, name in keys:
        if not getattr(table, name):
            inside = f" in `{table.where.text}`" if table.where.text else ""
            advice = f"add `{name}`: {table.keys[name].reader.says}; a Microkit SDK (MICROKIT_SDK) knows it"
            yield Fault("SDF005", f"key `{name}` is missing{inside}", table.where.of_key(), advice)


def _devices(facts: BoardFile) -> dict[str, Device]:
    found = {d.name: Device(d.name, d.base, d.size, d.intid, d) for d in facts.device}
    for row in facts.slots:
        for i in range(row.count):
            name = f"{row.name}{i}"
            intid = None if row.intid is None else row.intid + i
            found[name] = Device(name, row.base + row.step * i, row.step, intid, row)
    return found
