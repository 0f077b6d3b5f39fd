"""Whether the task that makes all objects at the start has room for their capabilities: the tool does not look."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.image.tool_faults import guest_files
from sdfgen.units import PAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.source import Where
    from sdfgen.image.capdl import CapdlSpec
    from sdfgen.model.system import System

_INITIAL_TASK = re.compile(r"INITIAL TASK: memory size = ([\d.,]+) ([KMG])iB")
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def slot_faults(system: System, spec: CapdlSpec, said: str) -> Iterator[Fault]:
    """Yield that the system cannot start for want of slots.

    The initial task has a capability to each page of its own, program images among them; to each object; and one more
    to each page for each place where it is mapped.

    Args:
        system: The system.
        spec: What the tool made of it.
        said: What the tool wrote, which has the size of the initial task.
    """
    match = _INITIAL_TASK.search(said)
    own = int(float(match[1].replace(",", "")) * _UNITS[match[2]]) // PAGE_BYTES if match else 0
    wanted = max(own, spec.image_pages) + spec.objects + spec.mapped_pages
    there = 1 << system.dialect.root_cnode_bits
    if wanted > there:
        message = (
            f"the system cannot start: that takes {wanted} capabilities, and Microkit {system.dialect.version} has "
            f"room for {there}; program images have {spec.image_pages} pages, which count twice"
        )
        advice = "make guests' files smaller, have fewer guests, or let regions have pages of 2 MiB"
        first, *others = list(dict.fromkeys(_largest(system, spec))) or [system.origin.at("name")]
        yield Fault("SDF129", message, first, advice, tuple((place, "it takes part") for place in others))


def _largest(system: System, spec: CapdlSpec) -> Iterator[Where]:
    """Yield the region with the most pages where that has more than program images, and what makes these large."""
    pages = spec.region_pages()
    named = [region for region in system.regions if region.name in pages]
    largest = max(named, key=lambda region: pages[region.name], default=None)
    if largest is not None and pages[largest.name] > spec.image_pages:
        yield largest.origin.at(largest.key or "size")
    yield from guest_files(system)
