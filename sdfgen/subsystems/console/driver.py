"""Who drives the UART: a domain that is made here, or one of the author's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault, suggestion
from sdfgen.layout.context import SERVER_PRIORITY, scheduling
from sdfgen.layout.space import page_range
from sdfgen.model.counted import CONSOLE, CountedRow
from sdfgen.model.microkit import Channel, End, Irq, Paddr, ProtectionDomain, Region, Vaddr
from sdfgen.records import NamedTuple
from sdfgen.subsystems.console.connection import connection
from sdfgen.subsystems.console.model import Uart
from sdfgen.subsystems.console.sddf import KeyOrigin, driver_config
from sdfgen.subsystems.console.spec import UartDriverTable, uarts

if TYPE_CHECKING:
    from sdfgen.facts.board import Device
    from sdfgen.layout.context import Context
    from sdfgen.layout.domain_space import DomainSpace
    from sdfgen.subsystems.console.model import Ends
    from sdfgen.subsystems.console.spec import ConsoleTable, MultiplexerTable, UartTable
    from sdfgen.subsystems.roles import Clients, ElfValue

STACK_BYTES = 0x1000
BUDGET_US = 2_000
PERIOD_US = 10_000
"""Multiplexer and driver stand above all guests, and may take a fifth of a core each, whoever makes them work."""


class Driver(NamedTuple):
    """The driver.

    Attributes:
        pd: Its protection domain.
        uart: What it drives; None for one of the author's.
        near: How it sees its connection to the multiplexer.
        far: How the multiplexer does.
        received_channel: The multiplexer's channel about what was received.
        made: The domain, where it is made here.
        regions, channels, values: What belongs to it.
    """

    pd: str
    uart: Uart | None
    near: Ends
    far: Ends
    received_channel: int
    made: ProtectionDomain | None
    regions: tuple[Region, ...]
    channels: tuple[Channel, ...]
    values: tuple[ElfValue, ...]


def attach_driver(
    context: Context, table: ConsoleTable, mux: str, space: DomainSpace, clients: Clients
) -> Driver | None:
    """Connect the multiplexer with the UART; None, with a fault, when nobody drives it.

    Args:
        context: Board, ids and so on.
        table: `[console]`.
        mux: The multiplexer.
        space: Its address space.
        clients: The protection domains, of which one may be the driver.
    """
    if table.driver is not None:
        return _authors(context, table, mux, space, clients)
    found = _uart(context, table)
    if found is None or _is_held(context, table, found[0], clients):
        return None
    return _made(context, table, mux, space, *found)


def _authors(context: Context, table: ConsoleTable, mux: str, space: DomainSpace, clients: Clients) -> Driver | None:
    natives = {native.name: native for native in clients.natives}
    native = natives.get(table.driver or "")
    if table.uart is not None:
        message = "[console] has both `uart` and `driver`"
        notes = ((table.at("uart"), "the other one is here"),)
        context.faults.add(Fault("SDF190", message, table.at("driver"), "leave out one of them", notes))
        return None
    if native is None:
        known = [domain.name for domain in context.spec.protection_domain]
        message = f"driver `{table.driver}` of [console] is no protection domain{suggestion(table.driver or '', known)}"
        context.faults.add(Fault("SDF190", message, table.at("driver"), "name a [[protection_domain]], or use `uart`"))
        return None
    link = connection(f"{mux}_uart", table.queue_size, table, "queue_size")
    tx, rx = context.ids.next(native.pd), context.ids.next(native.pd)
    far_tx, far_rx = context.ids.next(mux), context.ids.next(mux)
    near, _ = link.map(native.space, tx)
    far, _ = link.map(space, far_tx)
    ends = ((far_tx, tx), (far_rx, rx))
    channels = (Channel((End(mux, there, table), End(native.pd, here, table)), table) for there, here in ends)
    image = native.table.program_image
    values = driver_config(image, near, (tx, rx), table.baud, KeyOrigin(table, "driver"))
    return Driver(native.pd, None, near, far, far_rx, None, (link.region,), tuple(channels), tuple(values))


def _uart(context: Context, table: ConsoleTable) -> tuple[Device, UartTable] | None:
    """Return the UART that is to be driven, and how; None, with a fault, when it is not known."""
    known = {facts.device: facts for facts in uarts(context.board)}
    name = table.uart or next(iter(known), None)
    device = context.board.devices.get(name or "")
    if name in known and device is not None and device.intid is not None:
        return device, known[name]
    if name in known:
        message = f"UART `{name}` of board `{context.board.name}` is no device with an interrupt"
        advice = f"correct `device` of [[uart]] in {context.board.path}"
    else:
        names = ", ".join(f"`{one}`" for one in known)
        message = (
            f"board `{context.board.name}` does not say how UART `{name}` is driven{suggestion(name or '', known)}"
        )
        advice = f"known UARTs: {names}; or name a `driver`"
    context.faults.add(Fault("SDF190", message, table.at("uart"), advice))
    return None


def _is_held(context: Context, table: ConsoleTable, device: Device, clients: Clients) -> bool:
    """Tell whether a guest was given the UART, which is a fault."""
    holder = next((one for one in clients.guests if device.name in one.guest.devices), None)
    if holder is not None:
        message = f"UART `{device.name}` is driven for [console], and given to guest `{holder.name}`"
        notes = ((holder.table.at("devices"), f"`{holder.name}` has it here"),)
        advice = "take it from the guest: it has a console without it"
        context.faults.add(Fault("SDF194", message, table.at("uart"), advice, notes))
    return holder is not None


def _made(
    context: Context, table: ConsoleTable, mux: str, space: DomainSpace, device: Device, facts: UartTable
) -> Driver:
    own = table.uart_driver or UartDriverTable.empty(table.where, context.faults)
    low, size_bytes = page_range(device.base, device.size_bytes)
    registers = Region(
        f"dev_{device.name}", size_bytes, table, phys_addr=Paddr(low), why=f"board: device {device.name}", key="uart"
    )
    link = connection(f"{mux}_uart", table.queue_size, table, "queue_size")
    mapped = context.domain_space(own.name)
    vaddr = mapped.map(registers, cached=False)
    near, _ = link.map(mapped, context.ids.next(own.name))
    far, _ = link.map(space, context.ids.next(mux))
    irq = Irq(device.intid or 0, context.ids.next(own.name), table, trigger=device.facts.trigger)
    if own.program_image is None:
        context.let_count(own.name, mapped, (CountedRow("", CONSOLE),), own)
    uart = Uart(device.name, Vaddr(vaddr + device.base - low), irq.id, facts)
    ends = (End(mux, far.channel, table), End(own.name, near.channel, table))
    return Driver(
        pd=own.name,
        uart=uart,
        near=near,
        far=far,
        received_channel=far.channel,
        made=server(context, own, mapped)._replace(irqs=(irq,)),
        regions=(registers, link.region),
        channels=(Channel(ends, table),),
        values=(),
    )


def server(context: Context, table: MultiplexerTable | UartDriverTable, space: DomainSpace) -> ProtectionDomain:
    """Make the multiplexer's or the driver's domain.

    Args:
        context: The board.
        table: Its table, which has a name.
        space: Its address space.
    """
    own = table.budget is None and table.period is None
    budget_us, period_us = (BUDGET_US, PERIOD_US) if own else scheduling(table.budget, table.period)
    return ProtectionDomain(
        name=table.name,
        origin=table,
        program_image=table.program_image or f"{table.name}.elf",
        priority=SERVER_PRIORITY if table.priority is None else table.priority,
        budget_us=budget_us,
        period_us=period_us,
        stack_size_bytes=STACK_BYTES if table.stack_size is None else table.stack_size,
        cpu=table.core,
        fpu=context.fpu(table),
        domain=table.domain,
        maps=tuple(space.maps),
    )
