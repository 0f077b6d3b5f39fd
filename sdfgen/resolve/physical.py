"""Physical addresses of what the subsystem's parties must know, inside the board's windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.layout.space import Space, natural_alignment
from sdfgen.units import LARGE_PAGE_BYTES, PAGE_BYTES, size_text

if TYPE_CHECKING:
    from sdfgen.model.microkit import Region
    from sdfgen.subsystems.block.shared import Context


def place(
    context: Context, regions: tuple[Region, ...], fixed: tuple[Region, ...], data: set[str], ram: set[str]
) -> tuple[Region, ...]:
    """Give the data regions (and guest RAM that Microkit could not allocate) their addresses.

    Args:
        context: Board, mode and so on.
        regions: The subsystem's regions.
        fixed: Regions of the rest of the description, whose addresses, where they have one, are taken.
        data: Names of the regions whose physical address others must know.
        ram: Names of the guest RAM regions.

    Returns:
        The regions in the same order, those that need it with an address.
    """
    sized = tuple(_page_sized(context, region) for region in regions)
    wanted = (set() if context.learned else data) | (ram if _overflows(context, (*sized, *fixed)) else set())
    space = _physical_space(context, (*sized, *fixed))
    return tuple(
        _placed(context, region, space) if region.name in wanted and region.phys_addr is None else region
        for region in sized
    )


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
    return context.dialect.single_allocation and total > context.board.facts.large_pages.single_allocation


def _physical_space(context: Context, regions: tuple[Region, ...]) -> Space:
    facts = context.board.facts
    space = Space()
    space.take(facts.kernel.base, facts.kernel.reserve)
    for reserved in facts.reserved:
        space.take(reserved.base, reserved.size)
    for region in regions:
        if region.phys_addr is not None:
            space.take(region.phys_addr, region.size_bytes or PAGE_BYTES)
    return space


def _placed(context: Context, region: Region, space: Space) -> Region:
    size = region.size_bytes or PAGE_BYTES
    for window in context.board.facts.window:
        address = space.place(size, natural_alignment(size), window.base, window.base + window.size)
        if address is not None:
            why = f"first fit in window `{window.name}` of the board"
            return region._replace(phys_addr=address, why=why)  # type: ignore[arg-type]
    message = (
        f"no room for memory region `{region.name}` ({size_text(size)}) in the windows of board `{context.board.name}`"
    )
    context.faults.add(
        Fault("SDF015", message, region.origin.at(region.key or "data_size"), "make regions or guests smaller")
    )
    return region
