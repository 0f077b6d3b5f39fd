"""Maps: what is mapped, with which rights, and where it may lie."""

from __future__ import annotations

import os
from bisect import bisect_right
from typing import TYPE_CHECKING

from sdfgen.facts.dialects import PD_ELF_BASE, PD_ELF_END, STACK_MAX_BYTES, STACK_MIN_BYTES
from sdfgen.faults.fault import suggestion
from sdfgen.records import NamedTuple
from sdfgen.rules.registry import Shared, Stage, fault, rule
from sdfgen.schema.readers import Text
from sdfgen.units import PAGE_BYTES, joined, range_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.microkit import Map, Origin, ProtectionDomain, Region
    from sdfgen.model.system import System

PERMS = ("r", "rw", "rx", "rwx")


class AddressSpace(NamedTuple):
    """The maps of a protection domain, or of the virtual machine in it."""

    name: str
    pd: ProtectionDomain
    maps: tuple[Map, ...]
    guest: bool


class Mapped(NamedTuple):
    """A map with its region; `end` is the first address behind it."""

    map: Map
    region: Region
    space: AddressSpace
    start: int
    end: int

    @property
    def range(self) -> str:
        """Its addresses as text."""
        return range_text(self.start, self.end - self.start)


class Reach:
    """How far the maps of an address space reach.

    Args:
        maps: The maps.
    """

    def __init__(self, maps: Iterable[Mapped]) -> None:
        self._maps = sorted(maps, key=lambda one: one.start)
        self._starts = [one.start for one in self._maps]
        self._ranges = joined((one.start, one.end) for one in self._maps)

    def holding(self, address: int) -> Mapped | None:
        """Return the map that an address is in."""
        at = bisect_right(self._starts, address) - 1
        return self._maps[at] if at >= 0 and address < self._maps[at].end else None

    def end_from(self, address: int) -> int:
        """Return how far maps reach from an address without a gap."""
        at = bisect_right(self._ranges, address, key=lambda bounds: bounds[0]) - 1
        return max(address, self._ranges[at][1]) if at >= 0 else address


@Shared
def spaces(system: System) -> Iterator[AddressSpace]:
    """Yield every address space."""
    for pd in system.all_pds():
        yield AddressSpace(pd.name, pd, pd.maps, guest=False)
        if pd.vm is not None:
            yield AddressSpace(pd.vm.name, pd, pd.vm.maps, guest=True)


@Shared
def mapped(system: System) -> Iterator[Mapped]:
    """Yield the maps whose region exists."""
    regions = {name: (r, max(r.size_bytes or 0, PAGE_BYTES)) for name, r in system.region_index().items()}
    for space in spaces(system):
        for m in space.maps:
            if m.region in regions:
                region, size_bytes = regions[m.region]
                yield Mapped(m, region, space, m.vaddr, m.vaddr + size_bytes)


def references(system: System) -> Iterator[tuple[str, str, Origin, str]]:
    """Yield who names a region, the region's name, and the place."""
    for space in spaces(system):
        yield from ((f"a map of `{space.name}`", m.region, m.origin, "mr") for m in space.maps)
    for pd in system.all_pds():
        yield from ((f"a setvar of `{pd.name}`", s.region, s.origin, "region_paddr") for s in pd.setvars)


@rule("SDF046", "maps and setvars name regions that exist", Stage.VALUES)
def region_known(system: System) -> Iterator[Fault]:
    """Microkit refuses such a map, and panics on such a setvar."""
    known = system.region_index()
    for who, name, origin, key in references(system):
        if name in known or Text.harmless in known:
            continue
        message = f"{who} names memory region `{name}`, which does not exist{suggestion(name, known)}"
        yield fault("SDF046", message, (origin, key), "name a region, or add [[memory_region]]")


def _wrong_rights(perms: str) -> tuple[str, str]:
    """Return what is wrong with rights, and how severe it is; nothing for good ones."""
    if foreign := "".join(sorted(set(perms) - set("rwx"))):
        return f"{foreign!r} is no right", "error"
    if set(perms) == {"w"}:
        return "without `r`, Microkit refuses it", "error"
    if "r" not in perms:
        severity = "error" if "w" in perms else "warning"
        return "without `r`, Microkit accepts it and every access faults", severity
    return ("each right is written once", "note") if len(set(perms)) < len(perms) else ("", "")


@rule("SDF047", "rights are r, rw, rx or rwx, in any order", Stage.VALUES)
def perms(system: System) -> Iterator[Fault]:
    """AArch64 has no memory that cannot be read: `wx` and `x` build, and reads and writes fault at run time."""
    for space in spaces(system):
        for m in space.maps:
            why, severity = _wrong_rights(m.perms)
            if why:
                kept = "".join(letter for letter in "rwx" if letter in m.perms or letter == "r")
                message = f"rights {m.perms!r} on `{m.region}` in `{space.name}`: {why}"
                advice = f"write `{kept}`, or another of {', '.join(PERMS)}"
                yield fault("SDF047", message, (m.origin, "perms"), advice, severity=severity)


@rule("SDF048", "maps start at a multiple of their region's page size", Stage.VALUES, placed=True)
def alignment(system: System) -> Iterator[Fault]:
    """A page is mapped by the upper bits of its address only."""
    for m, region, space, start, _ in mapped(system):
        page = region.checked_page_bytes
        if start % page:
            message = f"address {start:#x} of `{m.region}` in `{space.name}` is not a multiple of {page:#x}"
            written = region.page_size_bytes is not None
            other = [(region.origin, "page_size", "the page size is here")] if written else []
            advice = f"use {start - start % page:#x} or {start - start % page + page:#x}"
            yield fault("SDF048", message, (m.origin, "vaddr"), advice, other)


def limit(system: System, space: AddressSpace) -> int:
    """Return the first address that an address space cannot map."""
    top = system.board.address_limit
    if space.guest:
        return top
    stack = space.pd.stack_size_bytes or system.dialect.default_stack_bytes
    return top - system.dialect.top_reserve_bytes - min(max(stack, STACK_MIN_BYTES), STACK_MAX_BYTES)


@rule("SDF049", "maps end below the stack", placed=True)
def high(system: System) -> Iterator[Fault]:
    """The stack lies at the top of a domain; 2.1.0 refuses a map that touches it, 2.0.1 looks at starts only."""
    limits = {(space.guest, space.name): limit(system, space) for space in spaces(system)}
    for found in mapped(system):
        m, space = found.map, found.space
        most = limits[space.guest, space.name]
        if found.start < 0 or found.end > most:
            what = "a guest's addresses" if space.guest else f"the addresses below the stack of `{space.name}`"
            message = f"`{m.region}` at {found.range} in `{space.name}` does not fit into {what}, 0x0..{most:#x}"
            yield fault("SDF049", message, (m.origin, "vaddr"), "use a lower address")


def _bounds(m: Mapped) -> tuple[int, int]:
    return m.start, m.end


def _overlaps(maps: list[Mapped]) -> Iterator[tuple[Mapped, Mapped]]:
    """Yield overlapping pairs, the one that is written first in front; linear after sorting."""
    reach: Mapped | None = None
    for m in sorted(maps, key=_bounds):
        if reach is not None and m.start < reach.end:
            first, second = sorted((reach, m), key=lambda m: next(i for i, other in enumerate(maps) if other is m))
            yield first, second
        if reach is None or m.end > reach.end:
            reach = m


@rule("SDF050", "maps of an address space do not overlap", placed=True)
def overlap(system: System) -> Iterator[Fault]:
    """Each page has one mapping; 1.4.1 does not look at virtual machines, where the later map fails at boot."""
    by_space: dict[int, list[Mapped]] = {}
    for m in mapped(system):
        by_space.setdefault(id(m.space), []).append(m)
    for maps in by_space.values():
        for first, second in _overlaps(maps):
            name = second.space.name
            message = (
                f"`{second.map.region}` at {second.range} overlaps `{first.map.region}` at {first.range} in `{name}`"
            )
            other = [(first.map.origin, "vaddr", f"`{first.map.region}` is here")]
            yield fault("SDF050", message, (second.map.origin, "vaddr"), "move one of them", other)


@rule("SDF051", "maps leave room for the program image")
def image(system: System) -> Iterator[Fault]:
    """Images are linked at 0x200000; a map that one grows into fails at boot, or from 2.0.1 when Microkit packs it.

    As long as there is no image, a map over its first page is good with a link script of one's own only, and one above
    with a small image; one that is there tells itself (SDF102).
    """
    there: dict[str, bool] = {}
    for found in mapped(system):
        if found.space.guest or found.start >= PD_ELF_END or found.end <= PD_ELF_BASE:
            continue
        name = found.space.pd.program_image
        if name not in there:
            there[name] = os.path.isfile(system.find(name))
        if not there[name]:
            yield _guessed(found)


def _guessed(found: Mapped) -> Fault:
    over, name = found.start <= PD_ELF_BASE, f"the image of `{found.space.name}`"
    message = f"`{found.map.region}` at {found.range} lies above {PD_ELF_BASE:#x}, and {name} may reach there"
    if over:
        message = f"`{found.map.region}` at {found.range} lies over {PD_ELF_BASE:#x}, where {name} starts"
    advice, severity = f"use {PD_ELF_END:#x} or above", "warning" if over else "note"
    return fault("SDF051", message, (found.map.origin, "vaddr"), advice, severity=severity)


@rule("SDF052", "a region is mapped cached by all or by none")
def cached(system: System) -> Iterator[Fault]:
    """One side would write to its cache and the other read memory; the architecture promises nothing then.

    Microkit takes it, and it works where nobody caches what others write, as of queues that are written back.
    """
    first: dict[str, Mapped] = {}
    told: set[str] = set()
    for found in mapped(system):
        m = found.map
        earlier = first.setdefault(m.region, found)
        if m.cached != earlier.map.cached and m.region not in told:
            told.add(m.region)
            words = ("cached", "uncached") if m.cached else ("uncached", "cached")
            message = f"`{m.region}` is {words[0]} in `{found.space.name}` and {words[1]} in `{earlier.space.name}`"
            other = [(earlier.map.origin, "cached", f"`{earlier.space.name}` maps it {words[1]}")]
            yield fault("SDF052", message, (m.origin, "cached"), "let both say the same", other, "warning")
