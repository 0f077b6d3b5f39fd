"""Reads back the report that the Microkit tool writes: where each page lies.

There are two forms, told apart by the heading over the pages: that of the tools up to 2.0.1, and that of later ones.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple
from sdfgen.units import parse_size

if TYPE_CHECKING:
    from collections.abc import Iterator


class Extent(NamedTuple):
    """Where a region lies; `contiguous` when its pages follow each other in the order of its addresses."""

    address: int
    size_bytes: int
    contiguous: bool


class Extents(NamedTuple):
    """Physical addresses by region: those of the description, and the tool's own (program images, stacks)."""

    regions: dict[str, Extent]
    own: dict[str, Extent]


class ReportError(Exception):
    """What a report, or another file of the tool's, has that is not known here."""


class _Page(NamedTuple):
    """A page; `number` is its place among those of its region where the report has it."""

    region: str
    is_own: bool
    number: int | None
    address: int
    size_bytes: int


_TEXT_PAGE = re.compile(
    r" +Page\((?P<size>\d+ [KM]iB)\): MR=(?P<name>.+?) (?:@ [0-9a-f]+|#\d+) +\d+ cap_addr=[0-9a-f]+ "
    r"phys_addr=(?P<address>[0-9a-f]+)\n?"
)
_TEXT_OWN = ("ELF:", "STACK:")
"""What the tool up to 2.0.1 calls its own regions: program images and stacks."""
_OBJECT_PAGE = re.compile(r"\t\d+ - Page\((?P<size>\d+ [KM]iB)\): '(?P<name>.+)' @ 0x(?P<address>[0-9a-f]+)\n?")
_FRAME = re.compile(
    r"frame_(?:mr_(?P<region>.+)_(?P<number>\d{9,})|elf_(?P<ELF>.+)_(?P<page>\d{9,})|ipcbuf_(?P<IPC>.+)"
    r"|(?P<STACK>.+)_stack(?:_(?P<deep>\d{9,}))?)"
)
_KIND_OF_PAGE = "Page("


def read_extents(path: str) -> Extents:
    """Return where the regions lie.

    Args:
        path: The report.

    Raises:
        ReportError: It has no form that is known here.
    """
    found: tuple[dict[str, Extent], dict[str, Extent]] = ({}, {})
    for page in _pages(path):
        extents = found[page.is_own]
        before = extents.get(page.region) or Extent(page.address, 0, contiguous=True)
        is_next = page.address == before.address + before.size_bytes
        is_next = is_next and page.number in {None, before.size_bytes // page.size_bytes}
        is_contiguous = before.contiguous and is_next
        extents[page.region] = Extent(before.address, before.size_bytes + page.size_bytes, is_contiguous)
    return Extents(*found)


def frame_owner(name: str) -> tuple[str, bool, int | None] | None:
    """Return what a frame of the later form belongs to, whether that is the tool's own, and which of its pages it is.

    Args:
        name: The frame's name; one that no frame has is None's.
    """
    match = _FRAME.fullmatch(name)
    if match is None:
        return None
    number = match["number"] or match["page"] or match["deep"]
    owner = match["region"] or next(f"{kind}:{match[kind]}" for kind in ("ELF", "IPC", "STACK") if match[kind])
    return owner, match["region"] is None, None if number is None else int(number)


def _pages(path: str) -> Iterator[_Page]:
    """Yield the pages of a report of either form, in its order."""
    is_known = False
    page = None
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("# "):
                page = _FORMS.get(line.rstrip())
                is_known = is_known or page is not None
            elif page is not None and _KIND_OF_PAGE in line:
                found = page(line)
                if found is None:
                    raise ReportError(f"line {number} has a page and no address that is understood")
                yield found
    if not is_known:
        raise ReportError(f"it has no part {' or '.join(f'`{heading[2:]}`' for heading in _FORMS)}")


def _page_of_text(line: str) -> _Page | None:
    match = _TEXT_PAGE.fullmatch(line)
    if match is None:
        return None
    name = match["name"]
    return _Page(name, name.startswith(_TEXT_OWN), None, int(match["address"], 16), parse_size(match["size"]) or 0)


def _page_of_objects(line: str) -> _Page | None:
    match = _OBJECT_PAGE.fullmatch(line)
    owner = frame_owner(match["name"]) if match else None
    if match is None or owner is None:
        return None
    return _Page(*owner, int(match["address"], 16), parse_size(match["size"]) or 0)


_FORMS = {
    "# Allocated Kernel Objects Detail": _page_of_text,
    "# Kernel Objects Details: ID, Type, Name, Physical Address": _page_of_objects,
}
