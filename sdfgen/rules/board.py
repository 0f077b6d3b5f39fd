"""Boards: what a board file says of memory holds together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple
from sdfgen.rules.registry import board_rule, fault
from sdfgen.units import LARGE_PAGE_BYTES, PAGE_BYTES, joined, range_text, ranges_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.facts.board import Board
    from sdfgen.faults.fault import Fault
    from sdfgen.schema.table import Table


class Span(NamedTuple):
    """Addresses that a board file gives to something; `key` is what to change, in `table`."""

    start: int
    end: int
    what: str
    table: Table
    key: str = "base"

    def meets(self, other: Span) -> bool:
        """Tell whether the two share an address."""
        return max(self.start, other.start) < min(self.end, other.end)

    def inside(self, other: Span) -> bool:
        """Tell whether all of it is part of the other."""
        return other.start <= self.start and self.end <= other.end

    def text(self) -> str:
        """Name it with its addresses."""
        return f"{self.what} at {range_text(self.start, self.end - self.start)}"


def span(table: Table, start: int | None, size_bytes: int | None, what: str, key: str = "base") -> Iterator[Span]:
    """Yield the addresses of a thing that a board file may have."""
    if start is not None:
        yield Span(start, start + (size_bytes or PAGE_BYTES), what, table, key)


def ram(board: Board) -> list[Span]:
    """Return the RAM that the kernel hands out."""
    return [Span(r.base, r.base + r.size, "RAM", r) for r in board.facts.ram]


def kernel(board: Board) -> list[Span]:
    """Return where kernel and images lie."""
    table = board.facts.kernel
    return list(span(table, table.base, table.reserve, "the kernel and the images behind it")) if table else []


def reserved(board: Board) -> list[Span]:
    """Return what no region may touch."""
    return [Span(r.base, r.base + r.size, f"reserved `{r.name}`", r) for r in board.facts.reserved]


def windows(board: Board) -> list[Span]:
    """Return where fixed regions may lie."""
    return [Span(w.base, w.base + w.size, f"window `{w.name}`", w) for w in board.facts.window]


def meeting(spans: Iterable[Span], others: Iterable[Span]) -> Iterator[tuple[Span, Span]]:
    """Yield each pair of the two that shares addresses."""
    others = list(others)
    yield from ((one, other) for one in spans for other in others if one.meets(other))


def overlaps(spans: Iterable[Span]) -> Iterator[tuple[Span, Span]]:
    """Yield the pairs of neighbours that share addresses: the later one, then the one that it meets."""
    reach: Span | None = None
    for one in sorted(spans, key=lambda s: (s.start, s.end)):
        if reach is not None and one.meets(reach):
            yield one, reach
        if reach is None or one.end > reach.end:
            reach = one


def over(code: str, one: Span, other: Span, advice: str, severity: str = "error") -> Fault:
    """Return the fault that one thing lies over another."""
    note = (other.table, other.key, other.what)
    return fault(code, f"{one.text()} lies over {other.text()}", (one.table, one.key), advice, [note], severity)


def _whole_pages(code: str, table: Table, names: Iterable[str], what: str) -> Iterator[Fault]:
    """Yield the keys of a table that are no multiple of a page, and a size that is 0."""
    for name in names:
        value = getattr(table, name)
        if value is None:
            continue
        if value == 0 and name in {"size", "reserve"}:
            yield fault(code, f"`{name}` of {what} is 0", (table, name), "give it the size that it has")
        elif value % PAGE_BYTES:
            message = f"`{name}` of {what}, {value:#x}, is not a multiple of 4 KiB"
            yield fault(code, message, (table, name), "the kernel hands out whole pages of 4 KiB")


def _beyond(code: str, board: Board, spans: Iterable[Span]) -> Iterator[Fault]:
    bits = board.facts.board.physical_address_bits
    note = (board.facts.board, "physical_address_bits", f"{bits} bits of physical addresses")
    for one in spans:
        if one.end > board.address_limit:
            message = f"{one.text()} reaches beyond {board.address_limit:#x}"
            yield fault(code, message, (one.table, one.key), "check the address", [note])


@board_rule("SDF110", "RAM is in whole pages, apart, and within the board's addresses")
def ram_sound(board: Board) -> Iterator[Fault]:
    """The kernel hands out RAM page by page; two ranges over each other are counted twice."""
    for r in board.facts.ram:
        yield from _whole_pages("SDF110", r, ("base", "size"), "RAM")
    yield from _beyond("SDF110", board, ram(board))
    for one, other in overlaps(ram(board)):
        yield over("SDF110", one, other, "write each range once")


@board_rule("SDF111", "the kernel lies in RAM")
def kernel_in_ram(board: Board) -> Iterator[Fault]:
    """Kernel and images are loaded into RAM: elsewhere nothing would run, or keep regions off."""
    table = board.facts.kernel
    if table is None:
        return
    wrong = list(_whole_pages("SDF111", table, ("base", "reserve"), "the kernel"))
    yield from wrong
    for one in kernel(board) if not wrong else ():
        if not any(one.inside(part) for part in ram(board)):
            note = (board.facts.ram[0], "base", "RAM")
            yield fault("SDF111", f"{one.text()} do not lie in RAM", (table, "base"), _ram_text(board), [note])


@board_rule("SDF112", "the image is loaded beside the kernel, where there is memory")
def loader(board: Board) -> Iterator[Fault]:
    """The loader copies kernel and domains to their places while it runs; it must not lie in any of them itself."""
    address, table = board.facts.board.loader_address, board.facts.board
    if address is None:
        return
    here = Span(address, address + PAGE_BYTES, "the image that is loaded", table, "loader_address")
    for one, other in meeting([here], kernel(board)):
        yield over("SDF112", one, other, "load it elsewhere, as build_sdk.py of Microkit does")
    if not any(here.inside(part) for part in (*ram(board), *windows(board), *reserved(board))):
        message = f"`loader_address` {address:#x} is in no RAM, window or reserved range of this file"
        advice = "check the address: build_sdk.py of Microkit has it as loader_link_address"
        yield fault("SDF112", message, (table, "loader_address"), advice, severity="warning")


@board_rule("SDF113", "reserved ranges lie within the board's addresses, apart from the kernel")
def reserved_sound(board: Board) -> Iterator[Fault]:
    """What nobody may touch can't be where the kernel runs; beyond the last address there is nothing to keep."""
    for r in board.facts.reserved:
        yield from _whole_pages("SDF113", r, ("base", "size"), f"reserved `{r.name}`")
    yield from _beyond("SDF113", board, reserved(board))
    for one, other in meeting(reserved(board), kernel(board)):
        yield over("SDF113", one, other, "one of the two is somewhere else")


@board_rule("SDF114", "windows lie where their memory is")
def window_memory(board: Board) -> Iterator[Fault]:
    """A `ram` window is part of the kernel's RAM, a `device` window memory that the kernel keeps out of it."""
    for w in board.facts.window:
        yield from _whole_pages("SDF114", w, ("base", "size"), f"window `{w.name}`")
    yield from _beyond("SDF114", board, windows(board))
    for w, one in zip(board.facts.window, windows(board), strict=True):
        if one.end > board.address_limit:
            continue
        note = (w, "kind", f"{w.kind} memory")
        if w.kind == "ram" and not _in_ram(board, one):
            message = f"{one.text()} does not lie in RAM"
            yield fault("SDF114", message, (w, "base"), _ram_text(board), [note])
        elif w.kind == "device":
            yield from _device_window(board, one, note)


def _in_ram(board: Board, one: Span) -> bool:
    parts = joined((part.start, part.end) for part in ram(board))
    return any(start <= one.start and one.end <= end for start, end in parts)


def _ram_text(board: Board) -> str:
    return f"RAM is at {ranges_text((part.start, part.end) for part in ram(board))}"


def _device_window(board: Board, one: Span, note: tuple[Table, str, str]) -> Iterator[Fault]:
    for part in ram(board):
        if one.meets(part):
            yield over("SDF114", one, part, 'RAM of the kernel is a window of kind = "ram"')
            return
    others = [*ram(board), *(w for w in windows(board) if w.table is not one.table)]
    if not any(one.start == other.end or one.end == other.start for other in others):
        message = f"{one.text()} is not next to any RAM: nothing here says that there is memory"
        advice = "check the address; memory that the kernel keeps out of its RAM is most often beside it"
        yield fault("SDF114", message, (one.table, "base"), advice, [note], "warning")


@board_rule("SDF115", "windows are apart from the kernel, from what is reserved and from each other")
def windows_free(board: Board) -> Iterator[Fault]:
    """A window says that any address in it is safe for a region; nothing is placed over what is reserved there."""
    for one, other in meeting(windows(board), kernel(board)):
        yield over("SDF115", one, other, "let the window begin behind it, or end before it")
    for one, other in meeting(windows(board), reserved(board)):
        yield over("SDF115", one, other, "let the window begin behind it, or end before it", "warning")
    for one, other in overlaps(windows(board)):
        yield over("SDF115", one, other, "write each address once", "warning")


@board_rule("SDF116", "guest RAM starts at a multiple of 2 MiB")
def guest_ram(board: Board) -> Iterator[Fault]:
    """Other RAM is refused by libvmm; device tree and initial RAM disk lie below its top."""
    table = board.facts.guest
    if table is None:
        return
    if table.ram % LARGE_PAGE_BYTES:
        message = f"guest RAM at {table.ram:#x} does not start at a multiple of 2 MiB"
        yield fault("SDF116", message, (table, "ram"), f"{table.ram // LARGE_PAGE_BYTES * LARGE_PAGE_BYTES:#x} does")
    for name in ("dtb_from_top", "initrd_from_top"):
        value = getattr(table, name)
        if value == 0 or value % PAGE_BYTES:
            message = f"`{name}` {value:#x} is not a multiple of 4 KiB above 0"
            yield fault("SDF116", message, (table, name), "what lies there begins with a page inside RAM")
