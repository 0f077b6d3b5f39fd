"""The phys-addr page as a file, for systems whose image fills it (layout: templates/c/include/sdfgen/phys_addr.h)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from sdfgen.units import PAGE_BYTES

if TYPE_CHECKING:
    from sdfgen.model.system import System

MAGIC = b"SDFGPHYS"
VERSION = 1
_HEADER = struct.Struct("<8sIIII")
_ENTRY = struct.Struct("<QQII")


def phys_page(system: System) -> bytes:
    """Return the page: header, then an entry for each data region.

    Raises:
        ValueError: When the system has no block subsystem with assigned addresses.
    """
    if system.block is None:
        raise ValueError("the system has no block subsystem")
    regions = system.region_index()
    slots = system.block.driver.slots
    page = bytearray(_HEADER.pack(MAGIC, VERSION, _HEADER.size, len(slots), 0))
    for slot in slots:
        address = regions[slot.region].phys_addr
        if address is None:
            raise ValueError(f"region {slot.region} has no physical address")
        page += _ENTRY.pack(address, slot.size_bytes, slot.map_index, 0)
    return bytes(page).ljust(PAGE_BYTES, b"\0")
