"""Names: spelling, length, and who may not share one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.dialects import NAME_BYTES
from sdfgen.rules.registry import fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults import Fault
    from sdfgen.model import Origin, System

_SPELLING = re.compile(r"[A-Za-z0-9_-]+")


def _named(system: System) -> Iterator[tuple[str, str, Origin]]:
    yield from (("protection domain", pd.name, pd.origin) for pd in system.all_pds())
    yield from (("virtual machine", vm.name, vm.origin) for _, vm in system.vms())
    yield from (("memory region", region.name, region.origin) for region in system.regions)
    yield ("system", system.name, system.origin)


@rule("SDF020", "names are made of letters, digits, _ and -")
def spelling(system: System) -> Iterator[Fault]:
    """Names go into XML, file names, C identifiers and capDL object names; other characters break one of them."""
    for kind, name, origin in _named(system):
        if not _SPELLING.fullmatch(name):
            yield fault("SDF020", f"name {name!r} of a {kind} has other characters than A-Z a-z 0-9 _ -", (origin, "name"), "rename it")


@rule("SDF021", "names have at most 63 bytes")
def length(system: System) -> Iterator[Fault]:
    """Microkit keeps 64 bytes with the terminator and cuts longer names without a word."""
    for kind, name, origin in _named(system):
        if len(name.encode()) > NAME_BYTES:
            yield fault("SDF021", f"name {name!r} of a {kind} has {len(name.encode())} bytes; {NAME_BYTES} fit", (origin, "name"), "shorten it")
