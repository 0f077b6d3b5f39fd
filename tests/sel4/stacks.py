"""Where stacks lie in physical memory, which is in a report of 2.0.1 and has to be worked out for later tools."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from sdfgen.image.report import TextReport

if TYPE_CHECKING:
    from pathlib import Path

PAGE_BYTES: Final = 0x1000
SMALL: Final = re.compile(r"^\t\d+ - Page\(4 KiB\): '(.+)' @ 0x([0-9a-f]+)$", re.MULTILINE)
STACK: Final = re.compile(r"frame_(.+)_stack_\d{9}")


def small_pages(board: Path) -> dict[str, int]:
    """Where each small page lies that has its place from the initial task of a later tool.

    Those tools report places as if program images needed memory of their own. They don't, so the small pages that do
    get the first of the places that all small pages together are said to have.
    """
    reported = {name: int(address, 16) for name, address in SMALL.findall((board / "report.txt").read_text())}
    objects = json.loads((board / "capdl.json").read_text())["objects"]
    frames = [(one["name"], one["object"]["Frame"]) for one in objects if "Frame" in one["object"]]
    free = [(name, frame) for name, frame in frames if frame["paddr"] is None and name in reported]
    places = sorted(reported[name] for name, _ in free)
    own = [name for name, frame in free if not frame["init"]["entries"]]
    return dict(zip(own, places[: len(own)], strict=True))


def stack_ranges(board: Path) -> dict[str, tuple[int, int]]:
    """First address and size of each domain's stack, whose pages follow each other."""
    if not (board / "capdl.json").exists():
        own = TextReport(str(board / "report.txt")).extents().own
        stacks = {name.removeprefix("STACK:"): extent for name, extent in own.items() if name.startswith("STACK:")}
        assert all(stack.contiguous for stack in stacks.values())
        return {name: (stack.address or 0, stack.size_bytes) for name, stack in stacks.items()}
    found: dict[str, list[int]] = {}
    for name, place in small_pages(board).items():
        if match := STACK.fullmatch(name):
            found.setdefault(match[1], []).append(place)
    for pages in found.values():
        assert pages == list(range(pages[0], pages[0] + len(pages) * PAGE_BYTES, PAGE_BYTES))
    return {name: (pages[0], len(pages) * PAGE_BYTES) for name, pages in found.items()}
