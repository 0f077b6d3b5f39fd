"""What driver, virtualiser and clients share: regions, sizes, priorities, mappings."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from sdfgen.facts.dialects import PD_ELF_BASE
from sdfgen.faults.fault import Fault
from sdfgen.guest_files.initrd import final_bytes
from sdfgen.layout.space import Space, natural_alignment
from sdfgen.model.guest import EmulatedDevice, Guest
from sdfgen.model.microkit import Gpa, Map, Paddr, Region, Vaddr
from sdfgen.subsystems.block.model import Queues
from sdfgen.units import LARGE_PAGE_BYTES, PAGE_BYTES, round_up

if TYPE_CHECKING:
    from sdfgen.facts.board import Board
    from sdfgen.facts.dialects import Dialect
    from sdfgen.faults.fault import Faults
    from sdfgen.layout.space import Ids
    from sdfgen.model.guest import KernelImage
    from sdfgen.model.microkit import Channel, ProtectionDomain
    from sdfgen.spec.description import BlockTable, GuestTable, ScheduledTable

# Event handlers stand above the virtual machines, which all share one priority: a guest that
# spins takes its round-robin share and cannot keep the others, or a handler, from running.
TIMER_PRIORITY = 130
VIRT_PRIORITY = 120
DRIVER_VMM_PRIORITY = 110
CLIENT_VMM_PRIORITY = 100
GUEST_PRIORITY = 60

TIME_SLICE_US = 10_000
"""Of domains and guests alike. Microkit's 1 ms cuts a guest's work by an interrupt each time it has passed."""

# A stack holds the frames of all functions of its program image at once, the VMM's with a page to spare, and more than
# twice what is used of it (docs/image.md).
STACK_BYTES = 0x5000
VIRT_STACK_BYTES = 0x1000
TIMER_STACK_BYTES = 0x1000
PD_MAP_BASE = 0x8000_0000
MAX_CLIENTS = 60
"""Of Microkit's 63 protection domains three are the driver's VMM, the virtualiser and the guest timer."""
VIRTUALISER_DATA = "virt_data"
MAX_CAPACITY = 0x8000

_NOT_C = re.compile(r"[^A-Za-z0-9_]")

# sDDF 0.7 block queues: header, then one record per slot.
REQUEST_HEADER_BYTES = 16
REQUEST_BYTES = 32
RESPONSE_HEADER_BYTES = 8
RESPONSE_BYTES = 12
STORAGE_INFO_BYTES = 88


class Context(NamedTuple):
    """What building the subsystem needs beside its tables.

    Attributes:
        table: The `[block]` table.
        board: The board.
        dialect: The Microkit version.
        ids: Free channel and interrupt ids.
        folder: Where relative file names of the description start.
        faults: Takes what is wrong.
    """

    table: BlockTable
    board: Board
    dialect: Dialect
    ids: Ids
    folder: str
    faults: Faults

    @property
    def learned(self) -> bool:
        """Microkit chooses the physical addresses."""
        return self.table.physical_addresses == "learned"


class Parts(NamedTuple):
    """Pieces of a system."""

    pds: tuple[ProtectionDomain, ...]
    regions: tuple[Region, ...]
    channels: tuple[Channel, ...]


class Connection(NamedTuple):
    """The three regions between the virtualiser and one of its peers."""

    storage_info: Region
    requests: Region
    responses: Region
    cached: bool

    @property
    def regions(self) -> tuple[Region, Region, Region]:
        """The regions in their customary order."""
        return self.storage_info, self.requests, self.responses


def connection(prefix: str, capacity: int, origin: ScheduledTable, *, cached: bool, round_bytes: int) -> Connection:
    """Make the regions of one connection.

    Args:
        prefix: Start of the regions' names.
        capacity: Slots of each queue.
        origin: The table it comes from.
        cached: How its domains map it; uncached when a guest sees it through UIO.
        round_bytes: What the queue regions' sizes are rounded up to.
    """

    def region(name: str, size_bytes: int, to: int = round_bytes) -> Region:
        return Region(f"{prefix}_{name}", round_up(size_bytes, to), origin, key="queue_capacity")

    slots = max(1, min(capacity, MAX_CAPACITY))  # others are a rule's fault, not sizes of their own

    return Connection(
        region("storage_info", STORAGE_INFO_BYTES, PAGE_BYTES),
        region("requests", REQUEST_HEADER_BYTES + REQUEST_BYTES * slots),
        region("responses", RESPONSE_HEADER_BYTES + RESPONSE_BYTES * slots),
        cached,
    )


def data_region(name: str, size_bytes: int, origin: ScheduledTable) -> Region:
    """Make a data region; a size that is not of whole pages is a rule's fault and not a second one here."""
    return Region(name, round_up(max(1, size_bytes), PAGE_BYTES), origin, key="data_size")


class PdSpace:
    """The address space of a protection domain while its mappings are placed."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._space = Space()
        self._space.take(0, PD_ELF_BASE)
        self.maps: list[Map] = []

    def map_at(self, region: Region, vaddr: int, *, cached: bool = True, perms: str = "rw", why: str = "") -> Vaddr:
        """Map a region at a given address."""
        self._space.take(vaddr, region.size_bytes or PAGE_BYTES)
        self.maps.append(Map(region.name, Vaddr(vaddr), region.origin, perms, cached=cached, why=why))
        return Vaddr(vaddr)

    def map(self, region: Region, *, cached: bool = True, perms: str = "rw") -> Vaddr:
        """Map a region at the lowest free address; the limit is checked as a rule, later."""
        size = region.size_bytes or PAGE_BYTES
        vaddr = self._space.place(size, natural_alignment(size), PD_MAP_BASE, 2**64)
        return self.map_at(region, vaddr or 0, cached=cached, perms=perms, why="first fit above the domain's image")

    def queues(self, link: Connection, data: Region | None, channel: int) -> Queues:
        """Map a connection with its data region."""
        info, requests, responses = (self.map(region, cached=link.cached) for region in link.regions)
        return Queues(info, requests, responses, self.map(data) if data else None, channel)


def gic_region(context: Context, origin: ScheduledTable) -> Region:
    """Return the region of the virtual CPU interface, one for all guests."""
    base = context.board.facts.gic.vcpu_interface
    return Region("gic_vcpu", PAGE_BYTES, origin, phys_addr=Paddr(base), why="board: gic.vcpu_interface", key="name")


def gic_map(context: Context, origin: ScheduledTable) -> Map:
    """Map the virtual CPU interface where a guest looks for the CPU interface."""
    gpa = context.board.facts.gic.cpu_interface
    return Map("gic_vcpu", Gpa(gpa), origin, cached=False, why="board: gic.cpu_interface")


def guest(context: Context, table: GuestTable, name: str, vmm: str, *, with_driver: bool = False) -> Guest:
    """Place RAM, device tree, initial RAM disk and console of a Linux guest.

    Args:
        context: Board, folder and so on.
        table: Its table.
        name: The virtual machine.
        vmm: Its protection domain.
        with_driver: Its initial RAM disk carries the UIO driver.
    """
    facts = context.board.facts.guest
    console = context.board.facts.console
    initrd_bytes = file_size(context, table, "initrd")
    if with_driver and (table.kernel or initrd_bytes is not None):
        initrd_bytes = final_bytes(initrd_bytes or 0)
    kernel_bytes = file_size(context, table, "kernel")
    top = facts.ram + table.ram
    dtb = top - facts.dtb_from_top
    initrd = _initrd_address(dtb, top - facts.initrd_from_top, facts.ram, initrd_bytes or 0)
    if table.kernel and not initrd_bytes:
        initrd = top - PAGE_BYTES  # the empty one, out of the kernel's way
    return Guest(
        name=name,
        vmm=vmm,
        ram_gpa=Gpa(facts.ram),
        ram_bytes=table.ram,
        ram_vaddr=Vaddr(facts.ram),
        dtb_gpa=Gpa(dtb),
        initrd_gpa=Gpa(initrd),
        kernel=table.kernel,
        initrd=table.initrd,
        initrd_bytes=initrd_bytes,
        bootargs=table.bootargs,
        kernel_image=_kernel_image(context, table, kernel_bytes),
        console=EmulatedDevice(Gpa(console.registers), console.size, console.intid),
    )


def vm_priority(table: GuestTable) -> int:
    """Return the priority of a guest's virtual machine.

    Args:
        table: The guest's table.
    """
    return GUEST_PRIORITY if table.vm_priority is None else table.vm_priority


def scheduling(budget_us: int | None, period_us: int | None) -> tuple[int | None, int | None]:
    """Return budget and period of a domain or a virtual machine; one that stands alone is both.

    Args:
        budget_us: As the description has it.
        period_us: As the description has it.
    """
    return (TIME_SLICE_US if budget_us is None and period_us is None else budget_us), period_us


def _kernel_image(context: Context, table: GuestTable, size_bytes: int | None) -> KernelImage | None:
    if table.kernel is None or size_bytes is None:
        return None
    from sdfgen.guests.kernel import kernel_image

    return kernel_image(os.path.join(context.folder, table.kernel), size_bytes)


def _initrd_address(dtb: int, customary: int, ram: int, size_bytes: int) -> int:
    """Use the customary place; a disk too large for it goes right below the device tree."""
    if customary > ram and customary + size_bytes <= dtb:
        return customary
    return (dtb - size_bytes) // PAGE_BYTES * PAGE_BYTES


def file_size(context: Context, table: GuestTable, name: str) -> int | None:
    """Return the size of the file that a key names; a fault and None when it is none."""
    path = getattr(table, name)
    if path is None:
        return None
    full = os.path.join(context.folder, path)
    try:
        if os.path.isfile(full):
            return os.path.getsize(full)
        what = "is not a file" if os.path.exists(full) else "does not exist"
    except (OSError, ValueError) as error:
        what = f"cannot be used: {error}"
    context.faults.add(
        Fault("SDF013", f"{name} {path!r} {what}", table.at(name), "paths are relative to the description")
    )
    return None


def ram_region(guest_: Guest, origin: GuestTable, *, identity: bool) -> Region:
    """Make a guest's RAM; at its guest-physical address when a device does DMA into it."""
    address = Paddr(guest_.ram_gpa) if identity else None
    why = "equal to the guest-physical address: a device passed through does DMA" if identity else ""
    size = round_up(max(1, guest_.ram_bytes), LARGE_PAGE_BYTES)  # any other is a rule's fault
    return Region(f"{guest_.name}_ram", size, origin, phys_addr=address, why=why, key="ram")


def c_name(name: str) -> str:
    """Turn a name of the description into a C identifier."""
    return _NOT_C.sub("_", name)


def data_map_name(client: str) -> str:
    """Return the name of a client's data region in the UIO map table."""
    return f"{c_name(client)}_data"


def io_base_symbol(map_name: str) -> str:
    """Return the symbol that carries the io address of the region behind a UIO map."""
    return f"io_base_{map_name}"
