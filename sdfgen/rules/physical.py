"""Physical memory: fixed addresses where the kernel can give them, and no more memory than there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.facts.board import ROOT_OBJECTS_BYTES
from sdfgen.model.microkit import NO_ROOM
from sdfgen.records import NamedTuple
from sdfgen.rules.regions import page_in_use
from sdfgen.rules.registry import fault, rule
from sdfgen.units import LARGE_PAGE_BYTES, PAGE_BYTES, joined, range_text, ranges_text, round_up, size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.microkit import Origin, Region
    from sdfgen.model.system import System


class _Range(NamedTuple):
    """Physical addresses from `start` to before `end`."""

    start: int
    end: int
    name: str = ""

    def meets(self, other: _Range) -> bool:
        """Tell whether the two share an address."""
        return self.start < other.end and other.start < self.end

    def text(self) -> str:
        """Return the range in hexadecimal."""
        return range_text(self.start, self.end - self.start)


class _Fixed(NamedTuple):
    """A region with a physical address."""

    region: Region
    range: _Range

    @property
    def place(self) -> tuple[Origin, str]:
        """The key that decides about its address."""
        return self.region.origin, self.region.key or "phys_addr"

    def text(self) -> str:
        """Name the region with its addresses."""
        return f"region `{self.region.name}` at {self.range.text()}"


def _fixed(system: System) -> Iterator[_Fixed]:
    for region in system.regions:
        if region.phys_addr is not None:
            end = region.phys_addr + max(region.size_bytes or PAGE_BYTES, 1)
            yield _Fixed(region, _Range(region.phys_addr, end))


def _ram(system: System) -> list[_Range]:
    return [_Range(r.base, r.base + r.size, r.name) for r in system.board.facts.ram]


def _kernel(system: System) -> _Range:
    """Return what the kernel and the images take; nothing for a board file that does not say where."""
    kernel = system.board.facts.kernel
    start, size = (kernel.base, kernel.reserve) if kernel else (0, 0)
    return _Range(start, start + size, "the kernel and the images of all domains")


def _windows_text(system: System) -> str:
    safe = (
        ranges_text((w.base, w.base + w.size) for w in system.board.facts.window)
        or "its file has no [[window]] that says"
    )
    return f"safe on board `{system.board.name}`: {safe}"


@rule("SDF091", "physical addresses end where the board's do", on_board=True)
def physical_limit(system: System) -> Iterator[Fault]:
    """Beyond its address bits the processor cannot reach memory, and the kernel has no untyped for it."""
    limit = system.board.address_limit
    for fixed in _fixed(system):
        if fixed.range.end > limit:
            bits = system.board.facts.board.physical_address_bits
            message = f"{fixed.text()} reaches beyond {limit:#x}, the {bits}-bit limit of board `{system.board.name}`"
            yield fault("SDF091", message, fixed.place, _windows_text(system))


@rule("SDF092", "no fixed region over the kernel and what is packed above it", on_board=True)
def over_kernel(system: System) -> Iterator[Fault]:
    """Kernel, initial task and the domains' images lie there from the start; the tool refuses the address."""
    kernel = _kernel(system)
    for fixed in _fixed(system):
        if fixed.range.meets(kernel):
            message = f"{fixed.text()} lies over {kernel.name} at {kernel.text()}"
            yield fault("SDF092", message, fixed.place, _windows_text(system))


@rule("SDF093", "no fixed region over what the kernel keeps", on_board=True)
def over_reserved(system: System) -> Iterator[Fault]:
    """The interrupt controller is the kernel's own, the secure monitor's memory traps: neither is ever handed out."""
    reserved = [_Range(r.base, r.base + r.size, r.name) for r in system.board.facts.reserved]
    for fixed in _fixed(system):
        for other in reserved:
            if fixed.range.meets(other):
                message = f"{fixed.text()} lies over the {other.name} at {other.text()}"
                yield fault("SDF093", message, fixed.place, _windows_text(system))


def root_objects(system: System) -> _Range:
    """Return what the kernel takes at the top of RAM for the root server's objects.

    CNode of 2^bits slots of 32 bytes, then TCB, IPC buffer, boot information, VSpace, page tables
    and an ASID pool: 0x7880 bytes in runs of 2.0.1, up to 0x9000 in the kernel's source; aligned
    to the CNode, in the highest RAM that holds it (Microkit up to 2.0.1: 12 bits, later: 17).
    """
    cnode_bytes = 1 << (system.dialect.root_cnode_bits + 5)
    size = cnode_bytes + ROOT_OBJECTS_BYTES
    top = max(system.board.facts.ram, key=lambda r: r.base)
    start = (top.base + top.size - size) // cnode_bytes * cnode_bytes
    return _Range(start, start + size, "the root server's objects")


@rule("SDF094", "no fixed region over the root server's objects", on_board=True)
def over_root_objects(system: System) -> Iterator[Fault]:
    """The kernel makes them at the top of RAM before the tool's list of allocations starts."""
    hole = root_objects(system)
    for fixed in _fixed(system):
        if fixed.range.meets(hole):
            message = (
                f"{fixed.text()} lies over {hole.name}, which Microkit {system.dialect.version} has at {hole.text()}"
            )
            yield fault("SDF094", message, fixed.place, _windows_text(system))


def _memory(system: System) -> list[_Range]:
    """Return RAM and windows, joined where they touch."""
    parts = (*system.board.facts.ram, *system.board.facts.window)
    return [_Range(start, end) for start, end in joined((part.base, part.base + part.size) for part in parts)]


def _hardware(system: System) -> list[_Range]:
    facts = system.board.facts
    known = [_Range(d.base // PAGE_BYTES * PAGE_BYTES, d.base + d.size_bytes) for d in system.board.devices.values()]
    gic = facts.gic.vcpu_interface if facts.gic else None
    known += [] if gic is None else [_Range(gic, gic + PAGE_BYTES)]
    return [*known, *(_Range(r.base, r.base + r.size) for r in facts.reserved)]


@rule("SDF095", "behind a fixed address there is memory or a device", on_board=True)
def backed(system: System) -> Iterator[Fault]:
    """The tool maps addresses with nothing behind them; the first access then ends the domain or reads zeros."""
    memory, hardware = _memory(system), _hardware(system)
    for fixed in _fixed(system):
        if fixed.range.end > system.board.address_limit:
            continue
        parts = [part for part in memory if fixed.range.meets(part)]
        if any(part.start <= fixed.range.start and fixed.range.end <= part.end for part in parts):
            continue
        if parts:
            message = f"{fixed.text()} lies only partly in memory, which is at {parts[0].text()}"
            yield fault("SDF095", message, fixed.place, _windows_text(system))
        elif system.board.devices and not any(fixed.range.meets(device) for device in hardware):
            message = f"{fixed.text()}: board `{system.board.name}` lists neither memory nor a device there"
            advice = "check the address; a device that is missing goes into the board file"
            yield fault("SDF095", message, fixed.place, advice, severity="note")


@rule("SDF096", "fixed regions in normal RAM need Microkit 2", on_board=True)
def unsafe_in_ram(system: System) -> Iterator[Fault]:
    """Microkit 1.4.1 does not coordinate fixed and free allocations: the image builds and may die at boot."""
    if not system.dialect.fixed_ram_unsafe:
        return
    ram = _ram(system)
    found = [fixed for fixed in _fixed(system) if any(fixed.range.meets(part) for part in ram)]
    if found:
        names = ", ".join(f"`{fixed.region.name}`" for fixed in found[:3]) + (", …" if len(found) > 3 else "")  # noqa: PLR2004 - what fits a line
        message = (
            f"fixed addresses in normal RAM of board `{system.board.name}` ({names}): "
            f"with Microkit {system.dialect.version} the system may die at boot (seL4_NotEnoughMemory)"
        )
        notes = [(*fixed.place, f"`{fixed.region.name}` is at {fixed.range.text()}") for fixed in found[:1]]
        yield fault("SDF096", message, (system.origin, "microkit"), "use Microkit 2.0.1", notes, "warning")


def _free(system: System) -> list[Region]:
    return [r for r in system.regions if r.phys_addr is None and r.size_bytes and r.why != NO_ROOM]


def _largest(regions: list[Region]) -> Region:
    return max(regions, key=lambda r: (r.size_bytes or 0, r.name))


def _bytes(regions: list[Region]) -> int:
    return sum(r.size_bytes or 0 for r in regions)


def free_ranges(system: System) -> list[tuple[int, int, str]]:
    """Return start and end of the physical memory that regions with an address may have, and what it is.

    Args:
        system: A system, whose regions with an address are taken.
    """
    facts = system.board.facts
    taken = [_kernel(system), *(_Range(r.base, r.base + r.size) for r in facts.reserved)]
    taken += [fixed.range for fixed in _fixed(system)] + ([root_objects(system)] if facts.ram else [])
    there = [(w.base, w.base + w.size, f"window `{w.name}`") for w in facts.window]
    windows = [_Range(start, end) for start, end, _ in there]
    for part in facts.ram:
        there += [(*piece, "RAM") for piece in _without(part.base, part.base + part.size, windows)]
    found = [(*piece, what) for start, end, what in there for piece in _without(start, end, taken)]
    return sorted(found)


def _without(start: int, end: int, taken: list[_Range]) -> Iterator[tuple[int, int]]:
    """Yield the whole pages of a range that nothing else takes."""
    for other in sorted(taken, key=lambda one: one.start):
        if start < other.end and other.start < end:
            if start < other.start // PAGE_BYTES * PAGE_BYTES:
                yield start, other.start // PAGE_BYTES * PAGE_BYTES
            start = max(start, round_up(other.end, PAGE_BYTES))
    if start < end:
        yield start, end


def _available(system: System) -> int:
    """Return how much RAM is left for regions without an address."""
    ram = _ram(system)
    taken = [_kernel(system), root_objects(system), *(fixed.range for fixed in _fixed(system))]
    used = (min(t.end, part.end) - max(t.start, part.start) for t in taken for part in ram if t.meets(part))
    return max(0, sum(part.end - part.start for part in ram) - sum(used))


@rule("SDF097", "all regions together fit into RAM", on_board=True)
def total(system: System) -> Iterator[Fault]:
    """The tool says so too, but names one page of one region and no sum."""
    free = _free(system)
    wanted, there = _bytes(free), _available(system)
    if wanted > there:
        largest = _largest(free)
        message = (
            f"regions without a physical address need {_about(wanted)} in all; "
            f"board `{system.board.name}` has {_about(there)} of RAM left for them"
        )
        yield fault("SDF097", message, (largest.origin, largest.key or "size"), f"{_named(largest)}: make it smaller")


def _named(largest: Region) -> str:
    return f"the largest is `{largest.name}` with {size_text(largest.size_bytes or 0)}"


def _about(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.1f} MiB"


def _large_and_small(system: System) -> tuple[list[Region], list[Region]]:
    """Split the free regions by the pages that the tool gives them."""
    found: tuple[list[Region], list[Region]] = ([], [])
    for region in _free(system):
        found[page_in_use(system, region) != LARGE_PAGE_BYTES].append(region)
    return found


def _own_pages(system: System) -> int:
    """Return what stacks and IPC buffers add to the allocation of 4 KiB pages; images add more, known later."""
    default = system.dialect.default_stack_bytes
    return sum((pd.stack_size_bytes or default) + PAGE_BYTES for pd in system.all_pds())


@rule("SDF085", "older tools make one allocation of all pages of a size", on_board=True)
def single_allocation(system: System) -> Iterator[Fault]:
    """Up to 2.0.1 all pages of one size without an address come from one untyped, which is never larger than this."""
    limit = system.board.single_allocation_bytes
    if not system.dialect.single_allocation or _bytes(_free(system)) <= limit // 2:
        return
    large, small = _large_and_small(system)
    for regions, pages, others in ((large, "2 MiB", 0), (small, "4 KiB", _own_pages(system))):
        wanted = _bytes(regions)
        if regions and limit - others < wanted <= _available(system):
            largest = _largest(regions)
            place = (largest.origin, largest.key or "size")
            message = (
                f"regions in {pages} pages without a physical address need {_about(wanted)}; Microkit "
                f"{system.dialect.version} takes them from one block of at most {size_text(limit)} "
                f"on board `{system.board.name}`{', which holds all stacks and images too' if others else ''}"
            )
            own = f"`{largest.name}` ({size_text(largest.size_bytes or 0)})"
            advice = f"use Microkit 2.1.0, which has no such limit, or make {own} smaller"
            advice += " or give it a phys_addr" if largest.key is None else ""
            yield fault("SDF085", message, place, advice)
