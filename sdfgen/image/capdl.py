"""Reads back the capDL specification, which Microkit's tools from 2.1.0 on make: places of pages, and page tables.

An address that stands in it is what the page gets. Pages without one are placed when the system starts: the report of
these tools has an address for each, which is not the right one, since the tool reckons with pages that program images
need no memory for.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from sdfgen.image.extents import Extent, Extents, UnknownFormError
from sdfgen.records import NamedTuple
from sdfgen.units import PAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

_OBJECTS = re.compile(r'\s*\{\s*"objects"\s*:\s*\[\s*')
_COMMA = re.compile(r"\s*,?\s*")
_FRAME = re.compile(r"frame_(?P<kind>mr_)?(?P<name>.+?)(?:_(?P<number>\d{9,}))?")
_LEAF_LEVEL = 3
_INDEX_BITS = 9


class _Page(NamedTuple):
    """A page: of which region, None for the tool's own; which of its pages; whether it lies in the image as it is."""

    region: str | None
    number: int
    size_bytes: int
    address: int | None
    is_in_image: bool


class _Table(NamedTuple):
    """A page table: its space where it is the first, its level, and slot, kind and object of each entry."""

    space: str | None
    level: int
    entries: tuple[tuple[int, str, int], ...]


class CapdlSpec:
    """The specification.

    Args:
        path: Where it is.

    Raises:
        UnknownFormError: It is none, or has tables that are not understood.
    """

    def __init__(self, path: str) -> None:
        self._pages: dict[int, _Page] = {}
        self._tables: dict[int, _Table] = {}
        count = 0
        try:
            for number, (name, kind, value) in enumerate(_objects(path)):
                count += 1
                if kind == "Frame":
                    self._pages[number] = _page(name, value)
                elif kind == "PageTable":
                    self._tables[number] = _table(name, value)
            self._mapped = {
                (space, address): self._pages[number]
                for table in self._tables.values()
                if (space := table.space) is not None
                for address, number in self._below(table, 0)
            }
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UnknownFormError("it is no capDL specification as Microkit's tools write it") from None
        self.image_pages = sum(page.is_in_image for page in self._pages.values())
        self.objects = count - self.image_pages
        """Without the pages that lie in the image as they are, of which the initial task has capabilities anyway."""
        self.mapped_pages = len(self._mapped)

    def extents(self) -> Extents:
        """Return where the regions lie."""
        found: dict[str, list[_Page]] = {}
        for page in self._pages.values():
            if page.region is not None:
                found.setdefault(page.region, []).append(page)
        return Extents({name: _extent(sorted(pages)) for name, pages in found.items()}, {})

    def region_pages(self) -> Counter[str]:
        """Return how many pages each region has."""
        return Counter(page.region for page in self._pages.values() if page.region is not None)

    def maps(self) -> set[tuple[str, str, int]]:
        """Return space, region and first address of each map; it begins anew where a page does not follow the last."""
        return {
            (space, page.region, address)
            for (space, address), page in self._mapped.items()
            if page.region is not None and not self._follows(space, address, page)
        }

    def _follows(self, space: str, address: int, page: _Page) -> bool:
        before = self._mapped.get((space, address - page.size_bytes))
        return before is not None and (before.region, before.number + 1) == (page.region, page.number)

    def _below(self, table: _Table, base: int) -> Iterator[tuple[int, int]]:
        """Yield address and object of each page below a table."""
        for slot, kind, number in table.entries:
            address = base + (slot * PAGE_BYTES << _INDEX_BITS * (_LEAF_LEVEL - table.level))
            if kind == "Frame":
                yield address, number
            elif self._tables[number].level == table.level + 1:
                yield from self._below(self._tables[number], address)
            else:
                raise ValueError(number)


def _objects(path: str) -> Iterator[tuple[str, str, Any]]:
    """Yield name, kind and value of each object; one at a time, since each page of a program image is one."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    start = _OBJECTS.match(text)
    if start is None:
        raise ValueError(path)
    decode, at = json.JSONDecoder().raw_decode, start.end()
    while not text.startswith("]", at):
        value, end = decode(text, at)
        comma = _COMMA.match(text, end)
        at = comma.end() if comma else end
        told = value["object"]
        yield (value["name"], *next(iter(told.items()))) if isinstance(told, dict) else (value["name"], told, None)


def _page(name: str, value: dict[str, Any]) -> _Page:
    match = _FRAME.fullmatch(name)
    is_region = match is not None and match["kind"] is not None and match["number"] is not None
    region, number = (match["name"], int(match["number"])) if match is not None and is_region else (None, 0)
    address = value["paddr"]
    size_bytes = 1 << value["size_bits"]
    is_in_image = bool(value.get("init", {}).get("entries")) and address is None and size_bytes == PAGE_BYTES
    return _Page(region, number, size_bytes, None if address is None else int(address), is_in_image)


def _table(name: str, value: dict[str, Any]) -> _Table:
    entries = ((entry["slot"], *next(iter(entry["cap"].items()))) for entry in value["slots"])
    space = name.partition("_")[2] if value["is_root"] else None
    return _Table(space, int(value["level"]), tuple((slot, kind, cap["object"]) for slot, kind, cap in entries))


def _extent(pages: list[_Page]) -> Extent:
    """Return where a region lies, given its pages in their order."""
    first, size_bytes = pages[0], sum(page.size_bytes for page in pages)
    if any(page.address is None for page in pages):
        return Extent(None, size_bytes, contiguous=False)
    wanted = [(first.address or 0) + number * first.size_bytes for number in range(len(pages))]
    return Extent(first.address, size_bytes, [page.address for page in pages] == wanted)
