"""The address space of a protection domain while its mappings are placed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.facts.dialects import PD_ELF_BASE
from sdfgen.layout.space import Space, natural_alignment
from sdfgen.model.microkit import Map, Vaddr
from sdfgen.units import PAGE_BYTES, round_up

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sdfgen.model.microkit import Region

PD_MAP_BASE = 0x8000_0000
"""Where a domain's mappings begin whose addresses nobody chose."""


class DomainSpace:
    """The mappings of a protection domain, placed one after the other.

    Attributes:
        maps: What was mapped so far.
    """

    def __init__(self, taken: Iterable[tuple[int, int]] = ()) -> None:
        self._space = Space()
        self._space.take(0, PD_ELF_BASE)
        for start, size_bytes in taken:
            self._space.take(start, size_bytes)
        self.maps: list[Map] = []

    def map_at(self, region: Region, vaddr: int, *, cached: bool = True, perms: str = "rw", why: str = "") -> Vaddr:
        """Map a region at a given address."""
        self._space.take(vaddr, _pages_bytes(region))
        self.maps.append(Map(region.name, Vaddr(vaddr), region.origin, perms, cached=cached, why=why))
        return Vaddr(vaddr)

    def map(self, region: Region, *, cached: bool = True, perms: str = "rw") -> Vaddr:
        """Map a region at the lowest free address; the limit is checked as a rule, later."""
        size = _pages_bytes(region)
        vaddr = self._space.place(size, natural_alignment(size), PD_MAP_BASE, 2**64)
        return self.map_at(region, vaddr or 0, cached=cached, perms=perms, why="first fit above the domain's image")

    def map_told(self, region: Region, symbol: str) -> Vaddr:
        """Map a region likewise, and tell the domain's program where, in a variable."""
        vaddr = self.map(region)
        self.maps[-1] = self.maps[-1]._replace(setvar_vaddr=symbol)
        return vaddr


def _pages_bytes(region: Region) -> int:
    return round_up(max(1, region.size_bytes or 0), PAGE_BYTES)
