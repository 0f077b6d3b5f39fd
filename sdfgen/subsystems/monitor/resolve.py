"""From `[monitor]` to its protection domain, which sees the pages of all that count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.layout.context import Parts
from sdfgen.model.counted import REQUESTS, VMM, CountedRow
from sdfgen.model.microkit import ProtectionDomain
from sdfgen.subsystems.monitor.model import Monitor, Page
from sdfgen.subsystems.roles import Resolved

if TYPE_CHECKING:
    from sdfgen.guests.machine import Machine
    from sdfgen.layout.context import Context
    from sdfgen.subsystems.monitor.spec import MonitorTable
    from sdfgen.subsystems.roles import Clients

PRIORITY = 90
"""Above the guests, which must not keep it from looking, and below all that serves them."""
PERIOD_US = 1_000_000
"""It looks once a period."""
BUDGET_US = 20_000
STACK_BYTES = 0x1000


def resolve(context: Context, clients: Clients) -> Resolved:
    """Make the monitor. All services of other subsystems have been made.

    Args:
        context: Board, ids and so on.
        clients: The guests, whose VMMs count.
    """
    table: MonitorTable | None = context.spec.of("monitor")
    if table is None:
        return Resolved(None, Parts())
    for machine in clients.guests:
        _count(context, machine)
    space = context.domain_space(table.name)
    watched = context.watched or []
    pages = tuple(Page(counted, space.map(region, perms="r")) for counted, region in watched)
    names = frozenset(region.name for _, region in watched)
    pd = ProtectionDomain(
        name=table.name,
        origin=table,
        program_image=table.program_image or f"{table.name}.elf",
        priority=PRIORITY if table.priority is None else table.priority,
        budget_us=BUDGET_US if table.budget is None and table.period is None else table.budget,
        period_us=PERIOD_US if table.budget is None and table.period is None else table.period,
        stack_size_bytes=STACK_BYTES if table.stack_size is None else table.stack_size,
        cpu=table.core,
        fpu=context.fpu(table),
        domain=table.domain,
        maps=tuple(space.maps),
    )
    return Resolved(
        model=Monitor(table.name, table.interval, pages, table),
        parts=Parts((pd,), tuple(region for _, region in watched)),
        told=names,
        placed=names,
    )


def _count(context: Context, machine: Machine) -> None:
    """Let a VMM count: for its guest, and for each device that it plays. One of the author's has its own ways."""
    vmm = machine.table.vmm
    if vmm is None or vmm.program_image is None:
        rows = (CountedRow("", VMM), *(CountedRow(device.name, REQUESTS) for device in machine.emulated))
        context.let_count(machine.pd, machine.space, rows, machine.table)
