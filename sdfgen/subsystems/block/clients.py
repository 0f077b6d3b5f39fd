"""The clients: Linux guests with a virtio-blk device, and native protection domains."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sdfgen.model.microkit import Gpa, Map, ProtectionDomain, Region, VirtualMachine
from sdfgen.subsystems.block.driver import virtual_machine
from sdfgen.subsystems.block.model import Client, Queues
from sdfgen.subsystems.block.shared import (
    CLIENT_VMM_PRIORITY,
    GUEST_PRIORITY,
    STACK_BYTES,
    Connection,
    Context,
    PdSpace,
    connection,
    data_map_name,
    data_region,
    gic_map,
    gic_region,
    guest,
    io_base_symbol,
    ram_region,
    scheduling,
)
from sdfgen.units import PAGE_BYTES

if TYPE_CHECKING:
    from sdfgen.guests.timer import TimerBuilder
    from sdfgen.model.guest import Guest
    from sdfgen.spec.description import ClientTable


class ClientParts(NamedTuple):
    """What one client adds to the system."""

    pd: ProtectionDomain
    regions: tuple[Region, ...]
    client: Client


class ClientLink(NamedTuple):
    """A client's connection with its data region, before anybody maps it."""

    table: ClientTable
    link: Connection
    data: Region


def client_pd_name(table: ClientTable) -> str:
    """Return the protection domain that speaks to the virtualiser for this client."""
    return f"{table.name}_vmm" if table.kind == "linux" else table.name


def client_link(table: ClientTable) -> ClientLink:
    """Make the regions between the virtualiser and one client."""
    link = connection(f"blk_{table.name}", table.queue_capacity, table, cached=True, round_bytes=PAGE_BYTES)
    return ClientLink(table, link, data_region(f"blk_{table.name}_data", table.data_size, table))


def build_client(context: Context, timer: TimerBuilder, link: ClientLink, far: Queues) -> ClientParts:
    """Build one client.

    Args:
        context: Board, ids and so on.
        timer: What wakes its guest.
        link: Its connection to the virtualiser.
        far: How the virtualiser sees that connection.
    """
    table = link.table
    name = client_pd_name(table)
    space = PdSpace(context.board.address_limit)
    linux = guest(context, table, table.name, name) if table.kind == "linux" else None
    ram = ram_region(linux, table, identity=False) if linux else None
    if linux and ram:
        space.map_at(ram, linux.ram_vaddr, why="equal to the guest-physical address")
    near = space.queues(link.link, link.data, context.ids.next(name))
    registers = _registers(context, table)
    virtio_vaddr = space.map(registers, cached=False) if linux else None
    linux = linux._replace(timer=timer.connect(table, table.name, name, space)) if linux else None
    vm = _machine(context, table, linux, ram, registers) if linux and ram else None
    pd = _protection_domain(table, name, space, vm)
    regions = (*link.link.regions, link.data, *((ram, gic_region(context, table), registers) if ram else ()))
    client = _client(context, link, name, linux, near, far)
    return ClientParts(pd, regions, client._replace(virtio_vaddr=virtio_vaddr))


def _registers(context: Context, table: ClientTable) -> Region:
    """Make the page that shows the device's registers: the guest reads it, and traps when it writes."""
    return Region(f"{table.name}_virtio", context.board.facts.client.virtio_mmio_size, table)


def _machine(context: Context, table: ClientTable, linux: Guest, ram: Region, registers: Region) -> VirtualMachine:
    gpa = Gpa(context.board.facts.client.virtio_mmio)
    maps = (
        Map(ram.name, linux.ram_gpa, table, perms="rwx", why="board: guest.ram"),
        gic_map(context, table),
        Map(registers.name, gpa, table, perms="r", cached=False, why="board: client.virtio_mmio"),
    )
    return virtual_machine(table, table.name, maps)


def _protection_domain(table: ClientTable, name: str, space: PdSpace, vm: VirtualMachine | None) -> ProtectionDomain:
    own_priority = CLIENT_VMM_PRIORITY if vm else GUEST_PRIORITY
    budget_us, period_us = scheduling(table.budget, table.period)
    return ProtectionDomain(
        name=name,
        origin=table,
        program_image=table.image or f"{name}.elf",
        priority=own_priority if table.priority is None else table.priority,
        budget_us=budget_us,
        period_us=period_us,
        stack_size_bytes=STACK_BYTES if table.stack_size is None else table.stack_size,
        trusted=vm is not None,
        maps=tuple(space.maps),
        vm=vm,
    )


def _client(context: Context, link: ClientLink, pd: str, linux: Guest | None, near: Queues, far: Queues) -> Client:
    table, facts = link.table, context.board.facts.client
    return Client(
        name=table.name,
        pd=pd,
        partition=table.partition,
        data_region=link.data.name,
        data_bytes=table.data_size,
        capacity=table.queue_capacity,
        read_only=table.read_only,
        near=near,
        far=far,
        io_symbol=io_base_symbol(data_map_name(table.name)),
        guest=linux,
        virtio_vaddr=None,
        virtio_gpa=Gpa(facts.virtio_mmio),
        virtio_bytes=facts.virtio_mmio_size,
        virtio_intid=facts.intid,
        origin=table,
    )
