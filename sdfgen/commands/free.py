"""`sdfgen board NAME --free`: which physical memory regions with an address may have."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sdfgen.existing.examine import examine, system_for
from sdfgen.existing.request import Request
from sdfgen.faults.fault import Faults
from sdfgen.faults.render import as_text
from sdfgen.rules.physical import free_ranges
from sdfgen.units import range_text, size_text

if TYPE_CHECKING:
    from collections.abc import Iterator


def free(name: str, microkit: str | None, system_file: str | None) -> str:
    """Return the free ranges of a board as text, or leave with status 1 and what is wrong.

    Args:
        name: The board.
        microkit: The Microkit version, which decides what the root server's objects take; None for the newest.
        system_file: A system file, whose regions are taken; None for an empty board.
    """
    faults = Faults()
    if system_file is None:
        system = system_for(Request("", name, microkit), faults)
    else:
        examined = examine(Request(system_file, name, microkit))
        system = examined.system
        faults.extend(examined.faults if system is None else ())
    if system is None or not system.board.name:
        sys.exit(as_text(faults.sorted()))
    return "".join(f"{line}\n" for line in _lines(free_ranges(system)))


def _lines(ranges: list[tuple[int, int, str]]) -> Iterator[str]:
    for start, end, what in ranges:
        yield f"{range_text(start, end - start):<27} {size_text(end - start):>12}  {what}"
    if not ranges:
        yield "nothing is free"
