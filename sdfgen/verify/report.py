"""Holds the Microkit tool's report, and the image, against the system."""

from __future__ import annotations

import mmap
import os
import re
from io import BytesIO
from typing import TYPE_CHECKING

from sdfgen import outputs
from sdfgen.faults.place import Span
from sdfgen.image.learned import untold
from sdfgen.verify.made import IMAGE, START, read_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.image.extents import Extent, Extents
    from sdfgen.model.microkit import Region
    from sdfgen.model.system import System
    from sdfgen.verify.made import Made

_WRITABLE = 2
"""PF_W: the tool writes into such segments before it packs them."""


def misplaced(system: System, extents: Extents, made: Made, source: str) -> Iterator[Fault]:
    """Yield each region that the Microkit tool placed differently than the system.

    Args:
        system: The system.
        extents: What the tool says.
        made: The folder.
        source: The file that it says that in.
    """
    found = [(region, text) for region in system.regions for text in _placed(region, extents.regions.get(region.name))]
    for region, message in (*found, *untold(system, extents)):
        span = _line(made, source, rf"(MR={re.escape(region.name)} |\"frame_mr_{re.escape(region.name)}_\d+\")")
        yield made.fault(IMAGE, message, source, span, origin=(region.origin, region.key or "phys_addr"))


def _placed(region: Region, extent: Extent | None) -> Iterator[str]:
    if extent is None:
        yield f"region {region.name} is missing"
        return
    if region.phys_addr is not None and extent.address != region.phys_addr:
        lies = "has no address" if extent.address is None else f"lies at {extent.address:#x}"
        yield f"region {region.name} {lies}, {region.phys_addr:#x} was decided"
    if region.size_bytes is not None and extent.size_bytes != region.size_bytes:
        yield f"region {region.name} has {extent.size_bytes:#x} bytes, {region.size_bytes:#x} were decided"


def mismapped(system: System, maps: set[tuple[str, str, int]], made: Made, source: str) -> Iterator[Fault]:
    """Yield each map that the Microkit tool made differently than the system.

    Args:
        system: The system.
        maps: Space, region and address of each map that the tool tells of.
        made: The folder.
        source: The file that tells.
    """
    wanted = {(name, m.region, int(m.vaddr)): m for name, found in system.spaces() for m in found}
    sizes = {region.name: region.size_bytes or 0 for region in system.regions}
    for space, region, address in sorted(wanted.keys() - maps):
        message = f"map of {region} in {space} at {address:#x} is missing"
        origin = (wanted[space, region, address].origin, "vaddr")
        yield made.fault(IMAGE, message, source, origin=origin)
    for space, region, address in sorted(maps - wanted.keys()):
        # A region whose pages are not mapped in one step shows up again, inside of itself.
        inside = (s == space and r == region and start <= address < start + sizes.get(r, 0) for s, r, start in wanted)
        if not any(inside):
            message = f"map of {region} in {space} at {address:#x} was not decided"
            yield made.fault(IMAGE, message, source, _line(made, source, rf"vaddr +0x{address:x}\s*$"))


def _line(made: Made, source: str, pattern: str) -> Span:
    """Return the line of a file that first has something; its beginning when none has."""
    text = made.text(source).text
    match = re.search(pattern, text, re.MULTILINE)
    return Span(text.count("\n", 0, match.start()) + 1, 1, 1) if match else START


def unpacked(system: System, made: Made) -> Iterator[Fault | None]:
    """Yield a fault for each program image that is not in the image as it is now; None when the form is unknown.

    What is looked for is what the tool packs as it is: segments that nobody writes. An image that holds none of them
    has a form that is not known here.

    Args:
        system: The system.
        made: The folder; without an image in it there is nothing to look into.
    """
    path = made.path(outputs.LOADER)
    if not os.path.isfile(path) or not os.path.getsize(path):
        return
    segments = {pd.program_image: _segments(system, made, pd.program_image) for pd in system.all_pds()}
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
        packed = {name: all(image.find(part) >= 0 for part in parts) for name, parts in segments.items() if parts}
    if not any(packed.values()):
        yield None
        return
    for name, is_in in packed.items():
        if not is_in:
            origin = next(pd.origin for pd in system.all_pds() if pd.program_image == name)
            message = f"{outputs.LOADER} does not hold {name} as it is now"
            yield made.fault(IMAGE, message, outputs.LOADER, origin=(origin, "program_image"))


def _segments(system: System, made: Made, name: str) -> list[bytes]:
    """Return the content of a program image's segments that are not written to."""
    content = made.content(outputs.elf(name)) or read_file(os.path.join(system.folder, name))
    if content is None:
        return []
    from elftools.elf.elffile import ELFFile

    try:
        segments = list(ELFFile(BytesIO(content)).iter_segments("PT_LOAD"))
        return [s.data() for s in segments if s["p_filesz"] and not s["p_flags"] & _WRITABLE]
    except Exception:  # noqa: BLE001 - the library raises whatever its indexing does; hashes tell of broken files
        return []
