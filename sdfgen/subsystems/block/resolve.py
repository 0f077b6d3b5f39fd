"""From `[block]` tables and `disk` lists to virtualisers, driver VMs and what their clients get."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault, suggestion
from sdfgen.layout.context import SERVER_PRIORITY, Parts, scheduling
from sdfgen.layout.names import each_name_once
from sdfgen.layout.native import Native
from sdfgen.model.counted import REQUESTS, SERVICE, CountedRow
from sdfgen.model.microkit import Channel, End, ProtectionDomain, Setvar
from sdfgen.model.system import Service, Storage, WantedPartition
from sdfgen.records import NamedTuple
from sdfgen.subsystems.block.client import Wish, attach_client, client_link, wishes
from sdfgen.subsystems.block.connection import connection, data_region, io_base_symbol
from sdfgen.subsystems.block.driver import Wanted, attach
from sdfgen.subsystems.block.model import MAX_CAPACITY, MAX_DISKS, VIRTUALISER_DATA, Block
from sdfgen.subsystems.block.spec import VirtualiserTable, blocks, uio_facts, wants_sddf
from sdfgen.subsystems.roles import ElfPatch, Resolved

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sdfgen.guests.machine import Machine
    from sdfgen.guests.timer import TimerBuilder
    from sdfgen.layout.context import Context
    from sdfgen.layout.domain_space import DomainSpace
    from sdfgen.model.microkit import Region
    from sdfgen.subsystems.block.connection import Connection
    from sdfgen.subsystems.block.model import Disk
    from sdfgen.subsystems.block.partition_name import PartitionName
    from sdfgen.subsystems.block.spec import BlockTable, UioTable
    from sdfgen.subsystems.roles import Clients, ElfValue

VIRT_STACK_BYTES = 0x1000


def resolve(context: Context, clients: Clients) -> Resolved:
    """Make every block subsystem of a description.

    Args:
        context: Board, ids and so on.
        clients: The guests and protection domains that may drive a disk, or have some.
    """
    tables = each_name_once(blocks(context.spec), "block subsystems", "give each [[block]] a name", context.faults)
    wanted = wishes(context, tables, clients)
    if any(wants_sddf(native.table) for native in clients.natives):
        from sdfgen.subsystems.block.sddf import clients_faults

        context.faults.extend(list(clients_faults(clients.natives, lost=_lost_disks(context))))
    made = [
        _build(context, driven, clients.timer, [wish for wish in wanted if wish.block is driven.table])
        for driven in _driven(context, tables, clients)
    ]
    return Resolved(
        model=tuple(one.block for one in made),
        parts=Parts(
            tuple(one.virt for one in made),
            tuple(region for one in made for region in one.regions),
            tuple(channel for one in made for channel in one.channels),
        ),
        told=frozenset(name for one in made for name in _data_regions(one.block)),
        placed=frozenset(name for one in made if not one.block.learned for name in _data_regions(one.block)),
        patches=tuple(patch for one in made for patch in _patches(one)),
        values=tuple(value for one in made for value in one.values),
        elves=tuple(one.block.driver.elf for one in made),
        storage=tuple(_storage(one.block, wanted) for one in made),
        names=tuple(
            ("disk", disk.name, disk.origin) for one in made for disk in one.block.disks if disk.origin.given("name")
        ),
        chains={f"block subsystem `{one.block.name}`": _chain(one.block, clients) for one in made},
        services=tuple(service for one in made for service in _services(one.block)),
    )


class _Built(NamedTuple):
    block: Block
    virt: ProtectionDomain
    vmm_image: str
    regions: tuple[Region, ...]
    channels: tuple[Channel, ...]
    values: tuple[ElfValue, ...]


class _Driven(NamedTuple):
    table: BlockTable
    machine: Machine
    uio: UioTable


def _driven(context: Context, tables: Sequence[BlockTable], clients: Clients) -> Iterator[_Driven]:
    """Yield each block subsystem with its driver's guest; what has none is a fault."""
    guests = {machine.name: machine for machine in clients.guests}
    uio = uio_facts(context.board)
    taken: dict[str, BlockTable] = {}
    for table in tables:
        first = taken.setdefault(table.driver, table)
        if not table.given("driver"):
            continue  # told when it was read
        if table.driver not in guests:
            near = suggestion(table.driver, guests)
            message = f"driver `{table.driver}` of block subsystem `{table.name}` is no guest{near}"
            context.faults.add(Fault("SDF107", message, table.at("driver"), "name a [[guest]]"))
        elif first is not table:
            message = f"guest `{table.driver}` drives two block subsystems, `{first.name}` and `{table.name}`"
            notes = ((first.at("driver"), f"it drives `{first.name}` here"),)
            context.faults.add(
                Fault("SDF107", message, table.at("driver"), "give each a guest of its own as driver", notes)
            )
        else:
            yield _Driven(table, guests[table.driver], uio)


def _build(context: Context, driven: _Driven, timer: TimerBuilder, wanted: list[Wish]) -> _Built:
    table, machine, uio = driven
    virt = table.virtualiser or VirtualiserTable.empty(table.where, context.faults)
    virt_name = virt.name or f"{table.name}_virt"
    links = [client_link(wish) for wish in _bounded(context, table, wanted)]
    capacity = _capacity(table, links)
    data = data_region(f"{table.name}_virt_data", virt.data_size, virt)
    link = connection(f"{table.name}_driver", capacity, table, data, uio.stride)
    space = context.domain_space(virt_name)
    queues = link.map(space, context.ids.next(virt_name))
    prefilled = table.phys_addr_page == "prefilled" and "memory_region.prefill_path" in context.dialect.attributes
    data_of = {wish.label: client.data for wish, client in links}
    driver = attach(machine, Wanted(table, uio, link, capacity, data_of, prefilled))
    disks = [
        attach_client(context, wish, client, client.map(space, context.ids.next(virt_name))) for wish, client in links
    ]
    if virt.program_image is None:
        context.let_count(virt_name, space, _counted_rows(disks), virt)
    wake = timer.connect(virt_name, virt_name, virt, space) if _takes_time(table, wanted) else None
    block = Block(
        name=table.name,
        learned=table.physical_addresses == "learned",
        prefilled=table.phys_addr_page == "prefilled",
        extended=True,  # both are this project's
        driver=driver,
        virt=virt_name,
        virt_queues=queues,
        virt_data_region=data.name,
        virt_data_bytes=data.size_bytes or 0,
        virt_io_symbol=io_base_symbol(VIRTUALISER_DATA),
        disks=tuple(disks),
        timeout_ms=table.timeout,
        timer=wake,
        lost_disks=_lost_disks(context),
        origin=table,
        virt_origin=virt,
    )
    regions = (*link.regions, *(region for _, client in links for region in client.regions))
    values = tuple(_configs(links, disks))
    return _Built(
        block, _virtualiser(context, virt, block, space), machine.image, regions, _channels(block, machine), values
    )


def _counted_rows(disks: Sequence[Disk]) -> tuple[CountedRow, ...]:
    return (CountedRow("", SERVICE), *(CountedRow(disk.label, REQUESTS) for disk in disks))


def _configs(links: list[tuple[Wish, Connection]], disks: list[Disk]) -> Iterator[ElfValue]:
    """Yield what goes into the program images of sDDF's clients."""
    for (wish, link), disk in zip(links, disks, strict=True):
        if isinstance(wish.client, Native) and disk.sddf:
            from sdfgen.subsystems.block.sddf import client_config

            yield from client_config(disk, link, wish.client.table)


def _lost_disks(context: Context) -> bool:
    """Tell whether there may be more disks than can be seen: of some it was told that they cannot be."""
    return any("disk" in fault.where.path for fault in context.faults)


def _bounded(context: Context, table: BlockTable, wanted: list[Wish]) -> list[Wish]:
    """Return the disks in the order of the virtualiser's table: by partition, then by their labels."""
    ordered = sorted(wanted, key=lambda wish: (wish.table.partition.order, wish.client.name, wish.name))
    room = MAX_DISKS - _takes_time(table, wanted)
    if len(ordered) > room:
        message = f"{len(ordered)} disks of block subsystem `{table.name}`; its virtualiser has room for {room}"
        first = ordered[room].table
        context.faults.add(Fault("SDF014", message, first.where.of_key(), "remove some, or add another [[block]]"))
    return ordered[:room]


def _takes_time(table: BlockTable, wanted: Iterable[Wish]) -> bool:
    """Tell whether the virtualiser has to be woken: when a request takes too long, or a disk's rate lets it go on."""
    return bool(table.timeout) or any(wish.table.limited for wish in wanted)


def _capacity(table: BlockTable, links: list[tuple[Wish, Connection]]) -> int:
    """Let every disk's requests fit; a power of two, since the queues' indices run freely."""
    if table.queue_capacity is not None:
        return table.queue_capacity
    wanted = sum(wish.table.queue_capacity for wish, _ in links)
    return min(MAX_CAPACITY, 1 << max(0, wanted - 1).bit_length())


def _virtualiser(context: Context, table: VirtualiserTable, block: Block, space: DomainSpace) -> ProtectionDomain:
    budget_us, period_us = scheduling(table.budget, table.period)
    return ProtectionDomain(
        name=block.virt,
        origin=table,
        program_image=table.program_image or f"{block.virt}.elf",
        priority=SERVER_PRIORITY if table.priority is None else table.priority,
        budget_us=budget_us,
        period_us=period_us,
        stack_size_bytes=VIRT_STACK_BYTES if table.stack_size is None else table.stack_size,
        cpu=table.core,
        fpu=context.fpu(table),
        domain=table.domain,
        maps=tuple(space.maps),
        setvars=tuple(Setvar(s.symbol, s.region, table) for s in block.driver.slots) if block.learned else (),
    )


def _channels(block: Block, machine: Machine) -> tuple[Channel, ...]:
    row = next(device for device in machine.emulated if device.origin is block.origin)
    ends = (
        End(block.virt, block.virt_queues.channel, block.virt_origin),
        End(machine.pd, row.channel or 0, block.origin),
    )

    def of_disk(disk: Disk) -> Channel:
        return Channel(
            (End(block.virt, disk.far.channel, disk.origin), End(disk.pd, disk.near.channel, disk.origin)), disk.origin
        )

    return (Channel(ends, block.origin), *map(of_disk, block.disks))


def _storage(block: Block, wanted: Sequence[Wish]) -> Storage:
    """Return the disk; a partition bears its owner's name, with the disk's when that has several.

    One that several read bears the first one's.
    """
    owners = [wish.client.name for wish in wanted]
    owned: dict[PartitionName, Disk] = {}
    for disk in block.disks:
        owned.setdefault(disk.partition, disk)
    partitions = (
        WantedPartition(disk.owner if owners.count(disk.owner) == 1 else disk.label, *how, disk.origin)
        for how, disk in sorted(owned.items(), key=lambda one: one[0].order)
    )
    return Storage(block.name, block.driver.guest, tuple(partitions), block.origin, block.driver.storage)


def _chain(block: Block, clients: Clients) -> frozenset[str]:
    """Name the virtualiser, the driver's guest, and the VMMs of all guests."""
    vmms = {machine.pd for machine in clients.guests} & {disk.pd for disk in block.disks}
    driver = next(machine for machine in clients.guests if machine.name == block.driver.guest)
    return frozenset({block.virt, driver.pd, driver.name, *vmms})


def _services(block: Block) -> Iterator[Service]:
    """Yield who may do what with the disk: its driver anything, whoever has a partition what that lets him."""
    yield Service(block.driver.guest, ("read", "write"), f"all of {block.name}", block.origin, "driver")
    for disk in block.disks:
        may = ("read",) if disk.read_only else ("read", "write")
        key = "read_only" if disk.origin.given("read_only") else "partition"
        yield Service(disk.owner, may, f"partition {disk.partition.text} of {block.name}", disk.origin, key)


def _data_regions(block: Block) -> Iterator[str]:
    yield block.virt_data_region
    yield from (disk.data_region for disk in block.disks)


def _patches(built: _Built) -> Iterator[ElfPatch]:
    """Patch the data regions' addresses into whoever needs them; with learned ones nobody is patched."""
    block = built.block
    if block.learned:
        return
    origins = {region.name: region.origin for region in built.regions}
    for elf in (block.driver.elf, built.vmm_image, built.virt.program_image):
        for slot in block.driver.slots:
            yield ElfPatch(elf, slot.symbol, slot.region, origins[slot.region])
