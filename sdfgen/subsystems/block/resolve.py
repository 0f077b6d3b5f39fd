"""The block subsystem: from the `[block]` table to protection domains, regions and channels."""

from __future__ import annotations

from sdfgen.faults.fault import Fault
from sdfgen.guests.timer import TimerBuilder
from sdfgen.model.microkit import Channel, End, Origin, ProtectionDomain, Region, Setvar
from sdfgen.resolve.physical import place
from sdfgen.spec.description import ClientTable, VirtualiserTable
from sdfgen.subsystems.block.clients import ClientLink, build_client, client_link
from sdfgen.subsystems.block.driver import DriverParts, build_driver
from sdfgen.subsystems.block.model import Block, Client, Queues
from sdfgen.subsystems.block.shared import (
    MAX_CAPACITY,
    MAX_CLIENTS,
    VIRT_PRIORITY,
    VIRT_STACK_BYTES,
    VIRTUALISER_DATA,
    Context,
    Parts,
    PdSpace,
    connection,
    data_region,
    io_base_symbol,
    scheduling,
)

__all__ = ["Context", "build_block"]


def build_block(context: Context, fixed: tuple[Region, ...]) -> tuple[Parts, Block]:
    """Build the whole subsystem.

    Args:
        context: Tables, board, ids and so on.
        fixed: Regions of the rest of the description, whose physical addresses are taken.
    """
    virt = context.table.virtualiser or _default_virtualiser(context)
    links = [client_link(table) for table in _ordered(context)]
    driver_capacity = _driver_capacity(context, links)
    link = connection(
        context.table.driver.name,
        driver_capacity,
        context.table.driver,
        cached=False,
        round_bytes=context.board.facts.uio.stride,
    )
    virt_data = data_region("blk_virt_data", virt.data_size, virt)
    space = PdSpace(context.board.address_limit)
    virt_queues = space.queues(link, virt_data, context.ids.next(virt.name))
    timer = TimerBuilder(context)
    driver = build_driver(context, timer, link, driver_capacity, virt_data, {c.table.name: c.data for c in links})
    clients = [
        build_client(context, timer, c, space.queues(c.link, c.data, context.ids.next(virt.name))) for c in links
    ]
    timer_pd, guest_timer = timer.build()
    block = Block(
        physical_addresses=context.table.physical_addresses,
        prefilled=context.table.phys_addr_page == "prefilled",
        extended=True,  # both are this project's
        driver=driver.driver,
        virt=virt.name,
        virt_queues=virt_queues,
        virt_data_region=virt_data.name,
        virt_data_bytes=virt.data_size,
        virt_io_symbol=io_base_symbol(VIRTUALISER_DATA),
        clients=tuple(c.client for c in clients),
        timer=guest_timer,
        origin=context.table,
    )
    pds = (driver.pd, _virtualiser(context, virt, space, block), *(c.pd for c in clients), timer_pd)
    of_clients = (region for client in clients for region in client.regions)
    regions = _once((*driver.regions, *link.regions, virt_data, *of_clients, *timer.regions))
    data = {virt_data.name, *(c.data.name for c in links)}
    ram = {f"{pd.vm.name}_ram" for pd in pds if pd.vm}
    pds = tuple(pd._replace(domain=context.table.domain) for pd in pds)
    channels = (*_channels(block, driver, virt), *timer.channels)
    return Parts(pds, place(context, regions, fixed, data, ram), channels), block


def _default_virtualiser(context: Context) -> VirtualiserTable:
    """Read an empty `[block.virtualiser]`: all its keys have defaults."""
    from sdfgen.read.toml import Node

    return VirtualiserTable.read(Node({}, context.table.where), context.faults)


def _ordered(context: Context) -> list[ClientTable]:
    """Return the clients by partition, so that the order of tables in the file does not matter."""
    clients = context.table.client
    if len(clients) > MAX_CLIENTS:
        message = f"{len(clients)} block clients; Microkit has room for {MAX_CLIENTS}"
        first = clients[MAX_CLIENTS]
        context.faults.add(Fault("SDF014", message, first.where.of_key(), "remove clients from here on"))
    return sorted(clients[:MAX_CLIENTS], key=lambda c: (c.partition, c.name))


def _driver_capacity(context: Context, links: list[ClientLink]) -> int:
    """Let every client's requests fit; a power of two, since the queues' indices run freely."""
    if context.table.driver.queue_capacity is not None:
        return context.table.driver.queue_capacity
    wanted = sum(link.table.queue_capacity for link in links)
    return min(MAX_CAPACITY, 1 << max(0, wanted - 1).bit_length())


def _virtualiser(context: Context, table: VirtualiserTable, space: PdSpace, block: Block) -> ProtectionDomain:
    symbols = [
        (block.virt_io_symbol, block.virt_data_region),
        *((c.io_symbol, c.data_region) for c in block.clients),
    ]
    budget_us, period_us = scheduling(table.budget, table.period)
    return ProtectionDomain(
        name=table.name,
        origin=table,
        program_image=table.image or f"{table.name}.elf",
        priority=VIRT_PRIORITY if table.priority is None else table.priority,
        budget_us=budget_us,
        period_us=period_us,
        stack_size_bytes=VIRT_STACK_BYTES if table.stack_size is None else table.stack_size,
        maps=tuple(space.maps),
        setvars=tuple(Setvar(symbol, region, table) for symbol, region in symbols) if context.learned else (),
    )


def _once(regions: tuple[Region, ...]) -> tuple[Region, ...]:
    """Drop repeats of the one region that all guests share."""
    seen: dict[tuple[str, object], Region] = {}
    for region in regions:
        shared = region.name == "gic_vcpu"
        seen.setdefault((region.name, None if shared else id(region)), region)
    return tuple(seen.values())


def _channels(block: Block, driver: DriverParts, virt: VirtualiserTable) -> tuple[Channel, ...]:
    def channel(far: Queues, pd: str, near_id: int, origin: Origin) -> Channel:
        return Channel((End(block.virt, far.channel, origin), End(pd, near_id, origin)), origin)

    def of_client(client: Client) -> Channel:
        return channel(client.far, client.pd, client.near.channel, client.origin)

    first = channel(block.virt_queues, driver.pd.name, driver.driver.channel, virt)
    return (first, *(of_client(client) for client in block.clients))
