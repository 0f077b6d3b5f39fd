"""The clients: disks of guests, each a virtio-blk device, and of protection domains, each a pair of queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.emit.c.names import c_name
from sdfgen.faults.fault import Fault, suggestion
from sdfgen.guests.machine import Machine
from sdfgen.model.guest import EmulatedDevice
from sdfgen.model.microkit import Gpa, Region
from sdfgen.records import NamedTuple
from sdfgen.subsystems.block.connection import connection, data_map_name, data_region, io_base_symbol
from sdfgen.subsystems.block.model import Disk
from sdfgen.subsystems.block.spec import disks, wants_sddf
from sdfgen.units import PAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sdfgen.layout.context import Context
    from sdfgen.layout.native import Native
    from sdfgen.subsystems.block.connection import Connection
    from sdfgen.subsystems.block.model import Queues
    from sdfgen.subsystems.block.spec import BlockTable, DiskTable
    from sdfgen.subsystems.roles import Clients

VIRTIO_KIND = "virtio_blk"


class Wish(NamedTuple):
    """A disk that a client wants.

    Attributes:
        client: The guest or protection domain.
        name: The disk's name there.
        position: Its place in the client's list.
        table: Its table.
        block: The block subsystem that it is of.
        registers: Where a guest has its registers, and its interrupt; None for a native client.
    """

    client: Machine | Native
    name: str
    position: int
    table: DiskTable
    block: BlockTable
    registers: tuple[Gpa, int] | None

    @property
    def label(self) -> str:
        """What it is called beside the disks of others."""
        return f"{self.client.name}_{self.name}"


def _apart(context: Context, wanted: Iterable[Wish]) -> Iterator[Wish]:
    """Yield the disks; of two whose names come to one beside those of others, the first."""
    seen: dict[tuple[str, str], Wish] = {}
    for wish in wanted:
        first = seen.setdefault((wish.block.name, wish.label), wish)
        if first is wish:
            yield wish
            continue
        message = (
            f"disk `{first.name}` of `{first.client.name}` and disk `{wish.name}` of `{wish.client.name}` "
            f"are both `{wish.label}` in block subsystem `{wish.block.name}`"
        )
        notes = ((first.table.at("name"), "the other one is here"),)
        context.faults.add(Fault("SDF088", message, wish.table.at("name"), "rename one of them", notes))


def wishes(context: Context, tables: Sequence[BlockTable], clients: Clients) -> list[Wish]:
    """Return all disks of all clients; what is of no block subsystem is a fault and left out.

    A guest's registers and interrupts are taken in the order of its list, so that it finds the disks in that order.

    Args:
        context: Takes the faults.
        tables: The block subsystems.
        clients: The guests and protection domains.
    """
    everybody: tuple[Machine | Native, ...] = (*clients.guests, *clients.natives)
    return list(_apart(context, (wish for client in everybody for wish in _of_client(context, tables, client))))


def _of_client(context: Context, tables: Sequence[BlockTable], client: Machine | Native) -> Iterator[Wish]:
    seen: dict[str, DiskTable] = {}
    for index, table in enumerate(disks(client.table)):
        name = str(index) if table.name is None else table.name
        first = seen.setdefault(name, table)
        block = _block(context, tables, table, client.name)
        if first is not table:
            message = f"two disks of `{client.name}` are called `{name}`"
            notes = ((first.at("name"), "the other one is here"),)
            advice = "rename one of them"
            if table.name is None:
                advice = "give it a `name`; without one its place in the list is its name"
            context.faults.add(Fault("SDF024", message, table.at("name"), advice, notes))
        elif block is not None:
            registers = None
            if isinstance(client, Machine):
                registers = client.registers(f"disk `{name}`", table.where)
                _emulate(client, name, table, registers)
            yield Wish(client, name, index, table, block, registers)


def _emulate(machine: Machine, name: str, table: DiskTable, registers: tuple[Gpa, int]) -> None:
    """Add the device's row; the channel and what else C must know are the disk's."""
    gpa, intid = registers
    machine.emulate(EmulatedDevice(VIRTIO_KIND, f"disk_{c_name(name)}", gpa, PAGE_BYTES, intid, table))


def _block(context: Context, tables: Sequence[BlockTable], table: DiskTable, owner: str) -> BlockTable | None:
    """Return the block subsystem of a disk: the one it names, or the only one."""
    names = {block.name: block for block in tables}
    if table.block in names:
        return names[table.block]
    if table.block is None and len(tables) == 1:
        return tables[0]
    known = ", ".join(f"`{name}`" for name in names)
    if not tables:
        message = f"`{owner}` has a disk, and there is no block subsystem"
        place, advice = table.where, "add [block], which says who drives the disk"
    elif table.block is None:
        message = f"a disk of `{owner}` does not say which block subsystem it is of"
        keys = (f'`block = "{name}"`' for name in names)
        place, advice = table.where, f"add {' or '.join(keys)}"
    else:
        message = f"a disk of `{owner}` is of block subsystem `{table.block}`, which does not exist"
        message += suggestion(table.block, names)
        place, advice = table.at("block"), f"known block subsystems: {known}"
    context.faults.add(Fault("SDF108", message, place, advice))
    return None


def client_link(wish: Wish) -> tuple[Wish, Connection]:
    """Make the regions between the virtualiser and one disk."""
    prefix, table = f"{wish.block.name}_{wish.label}", wish.table
    data = data_region(f"{prefix}_data", table.data_size, table)
    return wish, connection(prefix, table.queue_capacity, table, data)


def attach_client(context: Context, wish: Wish, link: Connection, far: Queues) -> Disk:
    """Give a client its disk.

    Args:
        context: Free ids and so on.
        wish: The disk.
        link: Its connection to the virtualiser.
        far: How the virtualiser sees that connection.
    """
    client, table = wish.client, wish.table
    near = link.map(client.space, context.ids.next(client.pd))
    registers = None
    if isinstance(client, Machine) and wish.registers is not None:
        page = Region(f"{client.name}_disk_{wish.name}", PAGE_BYTES, table)
        registers = client.page(page, wish.registers[0], "first fit in `[emulated]` of the board")
        _tell(client, table, near.channel)
    return Disk(
        owner=client.name,
        name=wish.name,
        position=wish.position,
        pd=client.pd,
        partition=table.partition,
        data_region=link.data.name,
        data_bytes=link.data.size_bytes or 0,
        capacity=table.queue_capacity,
        read_only=table.read_only,
        weight=table.weight,
        bandwidth=table.bandwidth or 0,
        iops=table.iops or 0,
        near=near,
        far=far,
        io_symbol=io_base_symbol(data_map_name(wish.label)),
        sddf=wants_sddf(client.table),
        registers=registers,
        origin=table,
    )


def _tell(machine: Machine, table: DiskTable, channel: int) -> None:
    """Note in the device's row whose notifications are its."""
    rows = machine.emulated
    rows[:] = [row._replace(channel=channel) if row.origin is table else row for row in rows]
