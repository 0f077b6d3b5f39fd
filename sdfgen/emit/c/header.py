"""The header of ids, sizes and addresses for hand-written C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.emit.c.names import c_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.model.microkit import Region
    from sdfgen.model.system import System


def config_header(system: System) -> str:
    """Define every id, address and size that hand-written C may want, by the names of the description."""
    lines = [f"#define {name} {value}\n" for name, value in _defines(system)]
    return "#pragma once\n\n" + "".join(lines)


def _defines(system: System) -> Iterator[tuple[str, str]]:
    for region in system.regions:
        yield from _region_defines(region)
    for pd in system.all_pds():
        prefix = c_name(pd.name).upper()
        for irq in pd.irqs:
            yield f"{prefix}_IRQ_{irq.irq}_CHANNEL", str(irq.id)
        for m in pd.maps:
            yield f"{prefix}_{c_name(m.region).upper()}_VADDR", hex(m.vaddr)
    for channel in system.channels:
        a, b = channel.ends
        for near, far in ((a, b), (b, a)):
            yield f"{c_name(near.pd).upper()}_{c_name(far.pd).upper()}_CHANNEL", str(near.id)


def _region_defines(region: Region) -> Iterator[tuple[str, str]]:
    name = c_name(region.name).upper()
    if region.size_bytes is not None:
        yield f"{name}_SIZE_BYTES", hex(region.size_bytes)
    if region.phys_addr is not None:
        yield f"{name}_PHYS_ADDR", hex(region.phys_addr)
