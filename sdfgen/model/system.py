"""The system as every later phase sees it: frozen values without a trace of TOML, XML or C.

Annotations are evaluated here on purpose: as text, each of them is compiled at every start.
"""

from collections.abc import Iterator
from typing import NamedTuple, NewType, Protocol

from sdfgen.facts.board import Board
from sdfgen.facts.dialects import Dialect
from sdfgen.faults.source import Where

Paddr = NewType("Paddr", int)
"""A physical address."""
Vaddr = NewType("Vaddr", int)
"""A virtual address in a protection domain."""
Gpa = NewType("Gpa", int)
"""A guest-physical address in a virtual machine."""


class Origin(Protocol):
    """Whatever a value was derived from; only the places matter here."""

    def at(self, name: str) -> Where:
        """Return the place of one property, or of the whole when it has none of its own."""

    def given(self, name: str) -> bool:
        """Tell whether the author wrote this property."""


class Region(NamedTuple):
    """A memory region.

    Attributes:
        name: Its name.
        size_bytes: Its size; None when the prefill decides.
        page_size_bytes: The page size when one must be written.
        phys_addr: Its physical address; None when Microkit chooses.
        prefill_path: File with its first content.
        prefill_bootinfo: Boot information with its first content.
        why: Where its address comes from, for the manifest.
        key: Of a region that sdfgen made, the key of `origin` that decides about it.
    """

    name: str
    size_bytes: int | None
    origin: Origin
    page_size_bytes: int | None = None
    phys_addr: Paddr | None = None
    prefill_path: str | None = None
    prefill_bootinfo: str | None = None
    why: str = ""
    key: str | None = None


class Map(NamedTuple):
    """A mapping of a region, by name, at a virtual or guest-physical address."""

    region: str
    vaddr: Vaddr | Gpa
    origin: Origin
    perms: str = "rw"
    cached: bool = True
    setvar_vaddr: str | None = None
    setvar_size: str | None = None
    setvar_prefill_size: str | None = None
    why: str = ""


class Irq(NamedTuple):
    """A hardware interrupt, by INTID, delivered on a channel id."""

    irq: int
    id: int
    origin: Origin
    trigger: str = "level"
    setvar_id: str | None = None


class Setvar(NamedTuple):
    """A symbol that takes the physical address of a region."""

    symbol: str
    region: str
    origin: Origin


class Vcpu(NamedTuple):
    """A virtual CPU."""

    id: int
    origin: Origin
    cpu: int | None = None
    setvar_id: str | None = None


class VirtualMachine(NamedTuple):
    """A virtual machine, served by the protection domain that holds it."""

    name: str
    origin: Origin
    vcpus: tuple[Vcpu, ...]
    maps: tuple[Map, ...]
    priority: int = 0
    budget_us: int | None = None
    period_us: int | None = None


class Cap(NamedTuple):
    """A capability of another protection domain's object."""

    kind: str
    slot: int
    pd: str
    origin: Origin


class ProtectionDomain(NamedTuple):
    """A protection domain with all it holds; `parent` is the name of the one around it."""

    name: str
    origin: Origin
    program_image: str
    path_for_symbols: str | None = None
    priority: int = 0
    budget_us: int | None = None
    period_us: int | None = None
    passive: bool = False
    stack_size_bytes: int | None = None
    smc: bool = False
    cpu: int | None = None
    fpu: bool | None = None
    domain: str | None = None
    id: int | None = None
    setvar_id: str | None = None
    parent: str | None = None
    trusted: bool = True
    maps: tuple[Map, ...] = ()
    irqs: tuple[Irq, ...] = ()
    setvars: tuple[Setvar, ...] = ()
    caps: tuple[Cap, ...] = ()
    vm: VirtualMachine | None = None
    children: tuple["ProtectionDomain", ...] = ()


class End(NamedTuple):
    """One end of a channel."""

    pd: str
    id: int
    origin: Origin
    pp: bool = False
    notify: bool = True
    setvar_id: str | None = None


class Channel(NamedTuple):
    """A channel; a well-formed one has two ends."""

    ends: tuple[End, ...]
    origin: Origin


class ScheduleEntry(NamedTuple):
    """An entry of the domain schedule."""

    domain: str | None
    duration: str | None
    end_marker: bool
    origin: Origin


class Domains(NamedTuple):
    """The scheduling domains."""

    names: tuple[str, ...]
    schedule: tuple[ScheduleEntry, ...]
    start_index: int
    index_shift: int | None
    origin: Origin


class Patch(NamedTuple):
    """A value for a symbol of an ELF; the value is None while an address is still to be learned."""

    elf: str
    symbol: str
    value: int | None
    size_bytes: int
    origin: Origin
    why: str


class UioMap(NamedTuple):
    """One of the driver VM's UIO mappings.

    Attributes:
        name: Its name in `reg-names`.
        gpa: Where the guest sees it.
        size_bytes: Its size.
        region: The region behind it; None for the notify page, which is mapped nowhere.
        device: Index of the UIO device that carries it.
        number: Its index in that device.
    """

    name: str
    gpa: Gpa
    size_bytes: int
    region: str | None
    device: int
    number: int


class PhysAddrSlot(NamedTuple):
    """An entry of the page that tells the driver VM physical addresses, and the symbol that carries it."""

    name: str
    symbol: str
    region: str
    size_bytes: int
    map_index: int


class KernelImage(NamedTuple):
    """A guest's kernel as its file's first bytes tell.

    Attributes:
        kind: What the file is, in words; `ARM64_IMAGE` is what a guest can be started from.
        text_offset: How far above the start of RAM it wants to lie.
        size_bytes: What it takes in memory; the size of the file when the header does not say.
    """

    kind: str
    text_offset: int
    size_bytes: int


ARM64_IMAGE = "an arm64 Image"


class EmulatedDevice(NamedTuple):
    """A device that a VMM emulates for its guest: registers that trap, and a virtual interrupt."""

    gpa: Gpa
    size_bytes: int
    intid: int


class TimerLink(NamedTuple):
    """A VMM's page for the guest timer, and the channel between them, as one of the two sees it."""

    page: Vaddr
    channel: int


class GuestTimer(NamedTuple):
    """The domain that wakes guests which wait; `irq_channel` is None where it has no timer of its own."""

    pd: str
    links: tuple[TimerLink, ...]
    irq_channel: int | None


class Guest(NamedTuple):
    """A Linux guest.

    Attributes:
        name: The virtual machine.
        vmm: Its protection domain.
        ram_gpa: Start of its RAM.
        ram_vaddr: Where its VMM sees it.
        dtb_gpa: Where the device tree goes.
        initrd_gpa: Where the initial RAM disk goes.
        kernel, initrd: Paths as the description gives them.
        kernel_image: What the kernel's file holds; None without a readable one.
        initrd_bytes: Size of the initial RAM disk file; None without one.
        devices: Names of the devices passed through.
        passthrough: (channel id, INTID) of interrupts handed on.
        console: Its emulated console; None when it is given a UART.
        timer: How its VMM reaches the guest timer.
    """

    name: str
    vmm: str
    ram_gpa: Gpa
    ram_bytes: int
    ram_vaddr: Vaddr
    dtb_gpa: Gpa
    initrd_gpa: Gpa
    kernel: str | None
    initrd: str | None
    initrd_bytes: int | None
    bootargs: str
    kernel_image: KernelImage | None = None
    devices: tuple[str, ...] = ()
    passthrough: tuple[tuple[int, int], ...] = ()
    console: EmulatedDevice | None = None
    timer: TimerLink | None = None


class Queues(NamedTuple):
    """One connection to the virtualiser as one of its two parties sees it."""

    storage_info: Vaddr
    requests: Vaddr
    responses: Vaddr
    data: Vaddr | None
    channel: int


class Client(NamedTuple):
    """A client of the block subsystem; at `virtio_vaddr` its VMM writes the registers that its guest reads."""

    name: str
    pd: str
    partition: int
    data_region: str
    data_bytes: int
    capacity: int
    read_only: bool
    near: Queues
    far: Queues
    io_symbol: str
    guest: Guest | None
    virtio_vaddr: Vaddr | None
    virtio_gpa: Gpa
    virtio_bytes: int
    virtio_intid: int
    origin: Origin


class Driver(NamedTuple):
    """The driver VM; `devices` names the UIO devices that carry its maps."""

    guest: Guest
    storage: str
    capacity: int
    maps: tuple[UioMap, ...]
    devices: tuple[str, ...]
    intid: int
    notify_gpa: Gpa
    slots: tuple[PhysAddrSlot, ...]
    dtb: str | None
    origin: Origin
    channel: int = 0
    phys_addr_vaddr: Vaddr = Vaddr(0)


class Block(NamedTuple):
    """The block subsystem.

    `extended`: driver and virtualiser know the requests beyond sDDF's (DISCARD, WRITE_ZEROES).
    """

    physical_addresses: str
    prefilled: bool
    extended: bool
    driver: Driver
    virt: str
    virt_queues: Queues
    virt_data_region: str
    virt_data_bytes: int
    virt_io_symbol: str
    clients: tuple[Client, ...]
    timer: GuestTimer
    origin: Origin


class System(NamedTuple):
    """Everything that is emitted for one board.

    `images` gives the ELFs to patch that exist already: path beside the description, by name.
    `folder` is the description's: relative file names start there.
    """

    name: str
    board: Board
    dialect: Dialect
    config: str
    pds: tuple[ProtectionDomain, ...]
    regions: tuple[Region, ...]
    channels: tuple[Channel, ...]
    domains: Domains | None
    block: Block | None
    patches: tuple[Patch, ...]
    images: dict[str, str]
    folder: str
    origin: Origin

    def all_pds(self) -> Iterator[ProtectionDomain]:
        """Yield every protection domain, parents before their children."""
        waiting = list(reversed(self.pds))
        while waiting:
            pd = waiting.pop()
            yield pd
            waiting.extend(reversed(pd.children))

    def vms(self) -> Iterator[tuple[ProtectionDomain, VirtualMachine]]:
        """Yield every virtual machine with its VMM."""
        for pd in self.all_pds():
            if pd.vm is not None:
                yield pd, pd.vm

    def region_index(self) -> dict[str, Region]:
        """Return the regions by name; of two with one name, the first."""
        index: dict[str, Region] = {}
        for region in self.regions:
            index.setdefault(region.name, region)
        return index
