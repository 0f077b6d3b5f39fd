"""Addresses that Microkit chose, back in the system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.model.microkit import Paddr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sdfgen.image.report import Extent
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

    placed = [
        r._replace(phys_addr=Paddr(extents[r.name].address)) if r.phys_addr is None and r.name in extents else r
        for r in system.regions
    ]
    known = system._replace(regions=tuple(placed))
    return system._replace(patches=tuple(patch._replace(value=value(patch)) for patch in system.patches))
