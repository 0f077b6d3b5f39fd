"""Reads back what the Microkit tool maps where: from its report up to 2.0.1, later from the capDL specification."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from sdfgen.image.report import ReportError, frame_owner
from sdfgen.units import PAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAP = re.compile(
    r" +0x[0-9a-f]+ Page +- Map +- 0x[0-9a-f]+ \(Page\([^)]*\): MR=(?P<name>.+?) (?:@ [0-9a-f]+|#\d+) .*\n?"
)
_SPACE = re.compile(r" +vspace \(cap\) +0x[0-9a-f]+ \(VSpace: (?:PD|VM)=(?P<name>.+)\)\n?")
_ADDRESS = re.compile(r" +vaddr +0x(?P<address>[0-9a-f]+)\n?")
_INVOCATIONS = "# System Kernel Invocations Detail"
_OWN = ("ELF:", "STACK:")
_OBJECTS = re.compile(r'\s*\{\s*"objects"\s*:\s*\[')
_COMMA = re.compile(r"\s*,?\s*")
_LEAF_LEVEL = 3
_INDEX_BITS = 9
_SPEC_ERROR = "it is no capDL specification as Microkit's tools write it"


def maps_of_report(path: str) -> set[tuple[str, str, int]]:
    """Return space, region and first address of everything that is mapped into domains and machines.

    Args:
        path: The report of a tool up to 2.0.1.

    Raises:
        ReportError: It has no form that tells of maps.
    """
    found = set()
    region = space = None
    is_known = False
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            is_known = is_known or line.rstrip() == _INVOCATIONS
            if match := _MAP.fullmatch(line):
                region, space = match["name"], None
            elif region and (match := _SPACE.fullmatch(line)):
                space = match["name"]
            elif region and space and (match := _ADDRESS.fullmatch(line)):
                found.add((space, region, int(match["address"], 16)))
                region = None
    if not is_known:
        raise ReportError(f"it has no part `{_INVOCATIONS[2:]}`")
    return {entry for entry in found if not entry[1].startswith(_OWN)}


def maps_of_spec(path: str) -> set[tuple[str, str, int]]:
    """Return the same of a capDL specification; a map begins again where a page does not follow the one before it.

    Args:
        path: The specification, in JSON.

    Raises:
        ReportError: It is none, or has tables that are not understood.
    """
    names: list[str] = []
    tables: dict[int, tuple[str, dict[str, Any]]] = {}
    try:
        for number, (name, table) in enumerate(_objects(path)):
            names.append(name)
            if table is not None:
                tables[number] = name, table
        roots = [(name, table) for name, table in tables.values() if table["is_root"]]
        pages = {
            (name.partition("_")[2], *page) for name, root in roots for page in _mapped(root, root["level"], tables, 0)
        }
        return set(_beginnings(pages, names))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise ReportError(_SPEC_ERROR) from None


def _objects(path: str) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield name and page table of each object; one at a time, since a page of an image is an object too."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    start = _OBJECTS.match(text)
    if start is None:
        raise ReportError(_SPEC_ERROR)
    decode, at = json.JSONDecoder().raw_decode, start.end()
    while not text.startswith("]", at := _after(text, at)):
        value, at = decode(text, at)
        kind = value["object"]
        yield value["name"], kind.get("PageTable") if isinstance(kind, dict) else None


def _after(text: str, at: int) -> int:
    match = _COMMA.match(text, at)
    return match.end() if match else at


def _mapped(
    table: dict[str, Any], level: int, tables: dict[int, tuple[str, dict[str, Any]]], base: int
) -> Iterator[tuple[int, int, int]]:
    """Yield address, size and object of each page below a table."""
    size_bytes = PAGE_BYTES << _INDEX_BITS * (_LEAF_LEVEL - level)
    for entry in table["slots"]:
        ((kind, cap),) = entry["cap"].items()
        address = base + entry["slot"] * size_bytes
        if kind == "Frame":
            yield address, size_bytes, cap["object"]
        elif level < _LEAF_LEVEL:
            yield from _mapped(tables[cap["object"]][1], level + 1, tables, address)


def _beginnings(pages: set[tuple[str, int, int, int]], names: list[str]) -> Iterator[tuple[str, str, int]]:
    owned = {(space, address): (frame_owner(names[number]), size) for space, address, size, number in pages}
    for (space, address), (owner, size_bytes) in owned.items():
        if owner is None or owner[1]:
            continue
        region, _, number = owner
        before, _ = owned.get((space, address - size_bytes), (None, 0))
        if before is None or before[:2] != owner[:2] or before[2] != (number or 0) - 1:
            yield space, region, address
