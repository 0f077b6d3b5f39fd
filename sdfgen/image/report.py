"""Reads back the report that the Microkit tool writes: where each page lies, and where it is mapped.

The form is that of the tools up to 2.0.1. Later ones write others, of which nothing is found here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple
from sdfgen.units import parse_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PAGE = re.compile(
    r" +Page\((?P<size>\d+ [KM]iB)\): MR=(?P<name>.+?) (?:@ [0-9a-f]+|#\d+) +\d+ cap_addr=[0-9a-f]+ "
    r"phys_addr=(?P<address>[0-9a-f]+)\n?"
)
_MAP = re.compile(
    r" +0x[0-9a-f]+ Page +- Map +- 0x[0-9a-f]+ \(Page\([^)]*\): MR=(?P<name>.+?) (?:@ [0-9a-f]+|#\d+) .*\n?"
)
_SPACE = re.compile(r" +vspace \(cap\) +0x[0-9a-f]+ \(VSpace: (?:PD|VM)=(?P<name>.+)\)\n?")
_ADDRESS = re.compile(r" +vaddr +0x(?P<address>[0-9a-f]+)\n?")
_OBJECTS = "# Allocated Kernel Objects Detail"
_HEADING = "# "
_OWN = ("ELF:", "STACK:")
"""What the tool calls its own regions: program images and stacks."""


class Extent(NamedTuple):
    """Where a region lies; `contiguous` when its pages follow each other in the order of its addresses."""

    address: int
    size_bytes: int
    contiguous: bool


class Extents(NamedTuple):
    """Physical addresses by region: those of the description, and the tool's own (program images, stacks)."""

    regions: dict[str, Extent]
    own: dict[str, Extent]


def read_extents(path: str) -> Extents:
    """Return where the regions lie; nothing of a report in another form.

    Args:
        path: The report.
    """
    with open(path, encoding="utf-8", errors="replace") as file:
        found: dict[str, Extent] = {}
        for line in _section(file, _OBJECTS):
            match = _PAGE.fullmatch(line)
            if match:
                size, address = parse_size(match["size"]) or 0, int(match["address"], 16)
                before = found.get(match["name"], Extent(address, 0, contiguous=True))
                follows = before.contiguous and address == before.address + before.size_bytes
                found[match["name"]] = Extent(before.address, before.size_bytes + size, follows)
    own = {name: extent for name, extent in found.items() if name.startswith(_OWN)}
    return Extents({name: extent for name, extent in found.items() if name not in own}, own)


def read_maps(path: str) -> set[tuple[str, str, int]]:
    """Return space, region and first address of everything that is mapped into domains and machines.

    Args:
        path: The report.
    """
    found = set()
    region = space = None
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if match := _MAP.fullmatch(line):
                region, space = match["name"], None
            elif region and (match := _SPACE.fullmatch(line)):
                space = match["name"]
            elif region and space and (match := _ADDRESS.fullmatch(line)):
                found.add((space, region, int(match["address"], 16)))
                region = None
    return {entry for entry in found if not entry[1].startswith(_OWN)}


def _section(lines: Iterable[str], heading: str) -> Iterator[str]:
    """Yield the lines below a heading, up to the next one."""
    inside = False
    for line in lines:
        if line.startswith(_HEADING):
            if inside:
                return
            inside = line.rstrip() == heading
        elif inside:
            yield line
