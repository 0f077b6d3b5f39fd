"""Reads back the report of the Microkit tools up to 2.0.1: where each page lies, and where it is mapped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.image.extents import Extent, Extents, UnknownFormError
from sdfgen.units import parse_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

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
_INVOCATIONS = "# System Kernel Invocations Detail"
_HEADING = "# "
_OWN = ("ELF:", "STACK:")
"""What the tool calls its own regions: program images and stacks."""


class TextReport:
    """The report; later tools write one of another form, whose addresses are not those that pages get.

    Args:
        path: Where it is.

    Raises:
        UnknownFormError: It has another form.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        with self._lines() as file:
            lacking = {_OBJECTS, _INVOCATIONS}.difference(line.rstrip() for line in file if line.startswith(_HEADING))
        if lacking:
            raise UnknownFormError(f"it has no part `{min(lacking).removeprefix(_HEADING)}`")

    def extents(self) -> Extents:
        """Return where the regions lie."""
        found: dict[str, Extent] = {}
        with self._lines() as file:
            for line in _section(file, _OBJECTS):
                match = _PAGE.fullmatch(line)
                if match:
                    size, address = parse_size(match["size"]) or 0, int(match["address"], 16)
                    before = found.get(match["name"], Extent(address, 0, contiguous=True))
                    follows = before.contiguous and address == (before.address or 0) + before.size_bytes
                    found[match["name"]] = Extent(before.address, before.size_bytes + size, follows)
        own = {name: extent for name, extent in found.items() if name.startswith(_OWN)}
        return Extents({name: extent for name, extent in found.items() if name not in own}, own)

    def maps(self) -> set[tuple[str, str, int]]:
        """Return space, region and first address of everything that is mapped into domains and machines."""
        found = set()
        region = space = None
        with self._lines() as file:
            for line in file:
                if match := _MAP.fullmatch(line):
                    region, space = match["name"], None
                elif region and (match := _SPACE.fullmatch(line)):
                    space = match["name"]
                elif region and space and (match := _ADDRESS.fullmatch(line)):
                    found.add((space, region, int(match["address"], 16)))
                    region = None
        return {entry for entry in found if not entry[1].startswith(_OWN)}

    def _lines(self) -> TextIO:
        return open(self._path, encoding="utf-8", errors="replace")


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
