from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.layout.context import SERVER_PRIORITY, Parts
from sdfgen.model.microkit import Channel, End, ProtectionDomain, Region
from sdfgen.subsystems.roles import Resolved
from sdfgen.units import PAGE_BYTES

from .model import Bell, Ring

if TYPE_CHECKING:
    from sdfgen.layout.context import Context
    from sdfgen.subsystems.roles import Clients


def resolve(context: Context, clients: Clients) -> Resolved:
    table = context.spec.of("bell")
    ringing = [machine for machine in clients.guests if machine.table.of("ring") is not None]
    if table is None:
        for machine in ringing:
            place = machine.table.at("ring")
            context.faults.add(
                Fault("SDF901", f"guest `{machine.name}` rings, and there is no bell", place, "add [bell]")
            )
        return Resolved(None, Parts())
    space = context.domain_space(table.name)
    rings, regions, channels = [], [], []
    for machine in ringing:
        page = Region(f"{machine.name}_bell", PAGE_BYTES, machine.table)
        gpa = machine.place(PAGE_BYTES, PAGE_BYTES, 0x1000_0000)
        machine.map(page, gpa, why="first fit")
        near, far = context.ids.next(machine.pd), context.ids.next(table.name)
        rings.append(Ring(machine.name, machine.table.of("ring").pitch_hz, gpa, space.map(page), far, machine.table))
        regions.append(page)
        channels.append(Channel((End(table.name, far, table), End(machine.pd, near, machine.table)), table))
    pd = ProtectionDomain(
        table.name,
        table,
        f"{table.name}.elf",
        priority=SERVER_PRIORITY,
        budget_us=1000,
        maps=tuple(space.maps),
    )
    return Resolved(Bell(table.name, tuple(rings)), Parts((pd,), tuple(regions), tuple(channels)))
