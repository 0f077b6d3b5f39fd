"""Memory regions: sizes, pages, physical addresses and first content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import suggestion
from sdfgen.model.microkit import PAGE_SIZES
from sdfgen.read.files import length_bytes
from sdfgen.rules.dialect import knows
from sdfgen.rules.maps import mapped, references
from sdfgen.rules.registry import Stage, fault, rule
from sdfgen.units import LARGE_PAGE_BYTES, PAGE_BYTES, range_text, round_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.microkit import Region
    from sdfgen.model.system import System

_BOOTINFO = ("fdt",)
_X86_BOOTINFO = ("x86_vbe", "x86_mbmmap", "x86_acpi_rsdp", "x86_framebuffer", "x86_tsc_freq")


@rule("SDF039", "pages have 4 KiB or 2 MiB", Stage.VALUES)
def page_size(system: System) -> Iterator[Fault]:
    """Microkit maps these two sizes on AArch64. 2.0.1 takes 2 MiB where it can, whatever is written."""
    for region in system.regions:
        size, place = region.page_size_bytes, (region.origin, "page_size")
        if size is not None and size not in PAGE_SIZES:
            message = f"page size {size:#x} of `{region.name}` is neither 0x1000 nor 0x200000"
            yield fault("SDF039", message, place, "use 4 KiB or 2 MiB, or leave it out")
        elif size == PAGE_BYTES and page_in_use(system, region) != size:
            version = system.dialect.version
            message = f"`{region.name}` gets pages of 2 MiB: Microkit {version} does not keep `page_size`"
            yield fault("SDF039", message, place, "leave it out, or use Microkit 2.1.0", severity="note")


@rule("SDF040", "regions have a size, in whole pages", Stage.VALUES)
def size(system: System) -> Iterator[Fault]:
    """Microkit panics on an empty region and refuses broken pages; only a prefill file can stand in for a size."""
    for region in system.regions:
        number, page = region.size_bytes, region.checked_page_bytes
        if region.key is not None:
            continue  # made by sdfgen, in whole pages; the size it was made from has rules of its own
        if number is None:
            if region.prefill_path is None and region.prefill_bootinfo is None:
                message = f"memory region `{region.name}` has neither a size nor a prefill"
                yield fault("SDF040", message, (region.origin, "size"), "add `size`")
        elif number <= 0:
            yield fault("SDF040", f"memory region `{region.name}` is empty", (region.origin, "size"), "use whole pages")
        elif number % page:
            message = f"size {number:#x} of `{region.name}` is not a multiple of its page size {page:#x}"
            yield fault("SDF040", message, (region.origin, "size"), f"use {round_up(number, page):#x}")


@rule("SDF041", "physical addresses are multiples of the page size", Stage.VALUES)
def phys_alignment(system: System) -> Iterator[Fault]:
    """A page lies at a multiple of its size, in physical memory too."""
    for region in system.regions:
        address, page = region.phys_addr, region.checked_page_bytes
        if address is not None and address % page:
            message = f"physical address {address:#x} of `{region.name}` is not a multiple of its page size {page:#x}"
            written = region.page_size_bytes is not None
            other = [(region.origin, "page_size", "the page size is here")] if written else []
            yield fault("SDF041", message, (region.origin, "phys_addr"), f"use {address - address % page:#x}", other)


@rule("SDF042", "regions do not overlap in physical memory", Stage.VALUES)
def phys_overlap(system: System) -> Iterator[Fault]:
    """The kernel hands out each page once. Share one region instead of describing the same memory twice."""
    fixed = [
        (int(region.phys_addr), region.phys_addr + (region.size_bytes or PAGE_BYTES), number, region)
        for number, region in enumerate(system.regions)
        if region.phys_addr is not None
    ]
    reach = None
    for found in sorted(fixed, key=lambda f: f[:3]):
        if reach is not None and found[0] < reach[1] and found[3].name != reach[3].name:
            (low, high, _, first), (start, end, _, second) = sorted((reach, found), key=lambda f: f[2])
            ranges = range_text(start, end - start), range_text(low, high - low)
            message = f"physical addresses of `{second.name}` ({ranges[0]}) and `{first.name}` ({ranges[1]}) overlap"
            other = [(first.origin, first.key or "phys_addr", f"`{first.name}` is here")]
            place = (second.origin, second.key or "phys_addr")
            yield fault("SDF042", message, place, "move one, or map one region twice", other)
        if reach is None or found[1] > reach[1]:
            reach = found


@rule("SDF043", "prefill files fill their region to the last page", Stage.VALUES)
def prefill(system: System) -> Iterator[Fault]:
    """Microkit refuses a file that is missing, empty or too long, and panics when whole pages are left over."""
    for region in system.regions if knows(system, "memory_region.prefill_path") else ():
        if region.prefill_path is None or region.prefill_made:
            continue
        what, advice = _unfit(system, region, region.prefill_path)
        if what:
            message = f"prefill {region.prefill_path!r} of `{region.name}` {what}"
            yield fault("SDF043", message, (region.origin, "prefill_path"), advice)


def _unfit(system: System, region: Region, path: str) -> tuple[str, str]:
    """Return what is wrong with a prefill file, if anything, and what to do about it."""
    length = length_bytes(system.find(path)) or "is empty"
    size_bytes = region.size_bytes
    if isinstance(length, str):
        return length, "paths are relative to the description"
    if size_bytes is None:
        return "", ""
    page = page_in_use(system, region)
    advice = f"leave `size` out, or use {round_up(length, page):#x}"
    if length > size_bytes:
        return f"has {length:#x} bytes, more than the region's {size_bytes:#x}", advice
    if size_bytes - length >= page:
        return (
            f"has {length:#x} bytes and leaves whole pages of {page:#x} in the region's {size_bytes:#x} empty",
            advice,
        )
    return "", ""


def page_in_use(system: System, region: Region) -> int:
    """Return the page size that Microkit ends up with.

    Args:
        system: The system.
        region: One of its regions.
    """
    if region.page_size_bytes is not None and system.dialect.fixed_page_size:
        return region.checked_page_bytes
    numbers = [region.size_bytes or 0, region.phys_addr or 0]
    numbers += [m.start for m in mapped(system) if m.region is region]
    large = system.dialect.auto_large_pages and all(number % LARGE_PAGE_BYTES == 0 for number in numbers)
    return LARGE_PAGE_BYTES if large else PAGE_BYTES


@rule("SDF044", "a region's first content comes from one source")
def prefill_source(system: System) -> Iterator[Fault]:
    """Microkit takes a file or boot information; on AArch64 the boot loader's device tree is all there is of that."""
    for region in system.regions if knows(system, "memory_region.prefill_bootinfo") else ():
        kind = region.prefill_bootinfo
        if kind is not None and region.prefill_path is not None:
            message = f"memory region `{region.name}` has two prefills: {region.prefill_path!r} and boot information"
            other = [(region.origin, "prefill_path", "the file is here")]
            yield fault("SDF044", message, (region.origin, "prefill_bootinfo"), "leave one of them out", other)
        elif kind in _X86_BOOTINFO:
            message = f"boot information `{kind}` of `{region.name}` is of x86: on AArch64 the region stays empty"
            place = (region.origin, "prefill_bootinfo")
            yield fault("SDF044", message, place, "write `fdt`, the device tree", severity="warning")
        elif kind is not None and kind not in _BOOTINFO:
            near = suggestion(kind, (*_BOOTINFO, *_X86_BOOTINFO))
            message = f"boot information {kind!r} of `{region.name}` is not known{near}"
            yield fault("SDF044", message, (region.origin, "prefill_bootinfo"), "write `fdt`, the device tree")


@rule("SDF045", "regions are used")
def unused(system: System) -> Iterator[Fault]:
    """Microkit takes the memory all the same; most often a map is missing, or names another region."""
    regions = system.region_index()
    used = {name for _, name, _, _ in references(system)}
    if used - regions.keys():
        return  # a misspelt name has its own fault
    used.update(name for patch in system.patches for name in patch.regions)
    for region in regions.values():
        if region.name not in used:
            message = f"memory region `{region.name}` is mapped nowhere"
            yield fault("SDF045", message, (region.origin, "name"), "map it or remove it", severity="warning")
