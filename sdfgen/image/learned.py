"""Addresses that Microkit chose, back in the system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.model.microkit import Paddr

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sdfgen.image.extents import Extent, Extents
    from sdfgen.model.microkit import Region
    from sdfgen.model.system import Patch, System


def with_learned(system: System, extents: Mapping[str, Extent]) -> System:
    """Return the system with values for the patches that waited for addresses; its regions stay Microkit's to place.

    A value that takes an address which is not among the extents stays unknown.

    Args:
        system: The system.
        extents: Where Microkit placed the regions.
    """
    from sdfgen.resolve.expressions import UnknownYet, evaluate_all

    def value(patch: Patch) -> int | tuple[int, ...] | str | None:
        if patch.value is not None:
            return patch.value
        try:
            return evaluate_all(patch.expression, known)
        except UnknownYet:
            return None

    addresses = {name: extent.address for name, extent in extents.items() if extent.address is not None}
    placed = [
        r._replace(phys_addr=Paddr(addresses[r.name])) if r.phys_addr is None and r.name in addresses else r
        for r in system.regions
    ]
    known = system._replace(regions=tuple(placed))
    return system._replace(patches=tuple(patch._replace(value=value(patch)) for patch in system.patches))


def untold(system: System, extents: Extents) -> Iterator[tuple[Region, str]]:
    """Yield the regions whose address somebody has, through a subsystem, a setvar or a patch, and which have no one.

    Args:
        system: The system.
        extents: Where Microkit placed the regions.
    """
    from sdfgen.resolve.expressions import regions_in

    written = {name for patch in system.patches for name in regions_in(patch.expression, ("phys_addr",))}
    told = system.told_regions | written | {setvar.region for pd in system.all_pds() for setvar in pd.setvars}
    for region in system.regions:
        extent = extents.regions.get(region.name) if region.name in told else None
        if extent is not None and extent.address is None:
            yield region, f"where region {region.name} lies is decided at the start, and its address is told on"
        elif extent is not None and not extent.contiguous:
            yield region, f"the pages of region {region.name} do not follow each other, and its address is told on"
