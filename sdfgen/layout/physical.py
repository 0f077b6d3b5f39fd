"""Physical addresses of what others must know, inside the board's windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.layout.space import Space, natural_alignment
from sdfgen.model.microkit import NO_ROOM, Paddr
from sdfgen.units import LARGE_PAGE_BYTES, PAGE_BYTES, round_up, size_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sdfgen.layout.context import Context
    from sdfgen.model.microkit import Region


def place(
    context: Context, regions: tuple[Region, ...], fixed: tuple[Region, ...], told: frozenset[str], ram: frozenset[str]
) -> tuple[Region, ...]:
    """Give regions that others must know (and guest RAM that Microkit could not allocate) their addresses.

    Args:
        context: Board, dialect and so on.
        regions: The regions that sdfgen makes.
        fixed: Regions of the rest of the description, whose addresses, where they have one, are taken.
        told: Names of the regions whose physical address others must know.
        ram: Names of the guest RAM regions.

    Returns:
        The regions in the same order, those that need it with an address.
    """
    if not regions:
        return ()
    sized = tuple(_page_sized(context, region) for region in regions)
    forced = ram if _overflows(context, (*sized, *fixed)) else frozenset()
    wanted = told | forced
    space = physical_space(context, (*sized, *fixed))
    placed = tuple(
        _placed(context, region, space) if region.name in wanted and region.phys_addr is None else region
        for region in sized
    )
    homeless = [region for region in placed if region.why == NO_ROOM]
    _tell(context, [region for region in homeless if region.name not in forced])
    ram_bytes = sum(_taken_bytes(region) for region in placed if region.name in ram)
    is_tools_fault = ram_bytes < sum(ram.size for ram in context.board.facts.ram)
    _tell(context, [region for region in homeless if region.name in forced], forced=is_tools_fault)
    return placed


def _page_sized(context: Context, region: Region) -> Region:
    """Ask for 2 MiB pages where the tool would not take them by itself."""
    large = (region.size_bytes or 0) % LARGE_PAGE_BYTES == 0 and (region.phys_addr or 0) % LARGE_PAGE_BYTES == 0
    if context.dialect.auto_large_pages or not large or not region.size_bytes:
        return region
    return region._replace(page_size_bytes=LARGE_PAGE_BYTES)


def _overflows(context: Context, regions: tuple[Region, ...]) -> bool:
    """Tell whether all free 2 MiB pages together exceed the one allocation that older tools make."""
    free = (r.size_bytes or 0 for r in regions if r.phys_addr is None)
    total = sum(size for size in free if size % LARGE_PAGE_BYTES == 0)
    return context.dialect.single_allocation and total > context.board.single_allocation_bytes


def physical_space(context: Context, regions: Iterable[Region]) -> Space:
    """Return physical memory with what is taken of it: the kernel's, what is reserved, and regions with an address.

    Args:
        context: The board.
        regions: The regions.
    """
    facts = context.board.facts
    space = Space()
    if facts.kernel is not None:
        space.take(facts.kernel.base, facts.kernel.reserve)
    for reserved in facts.reserved:
        space.take(reserved.base, reserved.size)
    for region in regions:
        if region.phys_addr is not None:
            space.take(region.phys_addr, region.size_bytes or PAGE_BYTES)
    return space


def first_fit(context: Context, space: Space, size_bytes: int) -> tuple[Paddr, str] | None:
    """Take memory in a window of the board; None when no window has room.

    Args:
        context: The board.
        space: What is taken of physical memory.
        size_bytes: How much, in whole pages.

    Returns:
        Its address, and where that comes from.
    """
    for window in context.board.facts.window:
        address = space.place(size_bytes, natural_alignment(size_bytes), window.base, window.base + window.size)
        if address is not None:
            return Paddr(address), f"first fit in window `{window.name}` of the board"
    return None


def _placed(context: Context, region: Region, space: Space) -> Region:
    """Give a region the first free address, if there is one."""
    found = first_fit(context, space, _taken_bytes(region))
    return region._replace(why=NO_ROOM) if found is None else region._replace(phys_addr=found[0], why=found[1])


def _taken_bytes(region: Region) -> int:
    return round_up(region.size_bytes or PAGE_BYTES, PAGE_BYTES)


def _tell(context: Context, homeless: list[Region], *, forced: bool = False) -> None:
    """Tell of regions without room, at the first; `forced` ones need an address only because the tool is an old one."""
    if not homeless:
        return
    first, others = homeless[0], len(homeless) - 1
    size = _taken_bytes(first)
    more = f" and {others} more" if others else ""
    message = (
        f"no room for memory region `{first.name}` ({size_text(size)}){more} "
        f"in the windows of board `{context.board.name}`"
    )
    advice = "make regions or guests smaller"
    if forced:
        message += f", where Microkit {context.dialect.version} needs guest RAM of this size"
        advice = f"use Microkit 2.1.0, which takes RAM from anywhere, or {advice}"
    context.faults.add(Fault("SDF015", message, first.origin.at(first.key or "size"), advice))
