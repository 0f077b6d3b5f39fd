"""The phys-addr page as a file, for systems whose image fills it (layout: templates/c/include/sdfgen/phys_addr.h)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from sdfgen.units import PAGE_BYTES

if TYPE_CHECKING:
    from sdfgen.model.system import System
    from sdfgen.subsystems.block.model import Block

MAGIC = b"SDFGPHYS"
VERSION = 1
_HEADER = struct.Struct("<8sIIII")
_ENTRY = struct.Struct("<QQII")


def phys_page(system: System, block: Block) -> bytes:
    """Return the page: header, then an entry for each data region.

    Args:
        system: The system.
        block: A block subsystem with assigned addresses.

    Raises:
        ValueError: When a region has no address.
    """
    regions = system.region_index()
    slots = block.driver.slots
    page = bytearray(_HEADER.pack(MAGIC, VERSION, _HEADER.size, len(slots), 0))
    for slot in slots:
        region = regions[slot.region]
        if region.phys_addr is None or region.size_bytes is None:
            raise ValueError(f"region {slot.region} has no physical address")
        page += _ENTRY.pack(region.phys_addr, region.size_bytes, slot.map_index, 0)
    return bytes(page).ljust(PAGE_BYTES, b"\0")
