"""What is shown of a system: plain values, the same for every format. docs/views.md documents their JSON form.

Annotations are evaluated here on purpose: `sdfgen schema --of` makes the JSON Schema of them.
"""

from sdfgen.records import NamedTuple

FORMAT = "sdfgen show"
VERSION = 1
"""Of the JSON form: grows when a key goes, or means something else; new keys do not count."""


class Place(NamedTuple):
    """Where the description decides something.

    Attributes:
        file: The file, as it was named.
        line: Its line, from 1.
        column: Its column, from 1.
        path: The key, such as `guest[0].ram`; empty in files of other kinds.
    """

    file: str
    line: int
    column: int
    path: str


class MapView(NamedTuple):
    """A region that somebody sees.

    Attributes:
        region: The memory region.
        address: Where it is seen: virtual in a protection domain, guest-physical in a virtual machine.
        size_bytes: How much of it; null when nobody says.
        rights: Of `r`, `w` and `x`, in this order.
        cached: Whether through the caches.
        setvar_vaddr: The symbol that takes the address.
        setvar_size: The symbol that takes the size.
        setvar_prefill_size: The symbol that takes the length of the first content.
        why: Where the address comes from, in words.
        place: What decides it.
    """

    region: str
    address: int
    size_bytes: int | None
    rights: str
    cached: bool
    setvar_vaddr: str | None
    setvar_size: str | None
    setvar_prefill_size: str | None
    why: str
    place: Place


class InterruptView(NamedTuple):
    """A hardware interrupt that a protection domain receives.

    Attributes:
        irq: Its INTID.
        id: The channel id that it arrives on.
        trigger: `level` or `edge`.
        setvar_id: The symbol that takes the id.
        devices: Whose it is, by the board file.
        place: What decides it.
    """

    irq: int
    id: int
    trigger: str
    setvar_id: str | None
    devices: tuple[str, ...]
    place: Place


class SetvarView(NamedTuple):
    """A symbol that takes the physical address of a region.

    Attributes:
        symbol: The symbol.
        region: The memory region.
        place: What decides it.
    """

    symbol: str
    region: str
    place: Place


class CapabilityView(NamedTuple):
    """A capability of another protection domain's object.

    Attributes:
        kind: `tcb`, `sc` or `vspace`.
        slot: Where it is.
        domain: The protection domain whose object it is.
        place: What decides it.
    """

    kind: str
    slot: int
    domain: str
    place: Place


class VcpuView(NamedTuple):
    """A virtual CPU.

    Attributes:
        id: Its id.
        core: The core that it is given; null when none is written.
        setvar_id: Taken by Microkit and not acted on.
    """

    id: int
    core: int | None
    setvar_id: str | None


class EmulatedView(NamedTuple):
    """A device that a VMM plays for its guest.

    Attributes:
        kind: The kind, as C calls it.
        name: Its name in the guest.
        address: Its registers, guest-physical.
        size_bytes: Their size.
        interrupt: Its interrupt in the guest.
        channel: Whose notifications are for it: the VMM's channel id.
        place: What decides it.
    """

    kind: str
    name: str
    address: int
    size_bytes: int
    interrupt: int
    channel: int | None
    place: Place


class GuestView(NamedTuple):
    """What is known of a Linux guest beyond its virtual machine.

    Attributes:
        ram_region: The region of its RAM.
        ram_address: Where it sees its RAM.
        ram_bytes: Its size.
        dtb_address: Where its device tree goes.
        initrd_address: Where its initial RAM disk goes.
        kernel: The kernel's file.
        initrd: The initial RAM disk's.
        dtb: The device tree's that it starts from.
        devices: Devices that are passed through, by the board file's names.
        emulated: Devices that its VMM plays.
    """

    ram_region: str
    ram_address: int
    ram_bytes: int
    dtb_address: int
    initrd_address: int
    kernel: str | None
    initrd: str | None
    dtb: str | None
    devices: tuple[str, ...]
    emulated: tuple[EmulatedView, ...]


class MachineView(NamedTuple):
    """A virtual machine.

    Attributes:
        name: Its name.
        priority: Its priority.
        budget_us: Its budget; null for Microkit's.
        period_us: Its period; null for Microkit's.
        vcpus: Its virtual CPUs.
        maps: What it sees of memory.
        guest: The guest in it; null when the description has the machine alone.
        place: What decides it.
    """

    name: str
    priority: int
    budget_us: int | None
    period_us: int | None
    vcpus: tuple[VcpuView, ...]
    maps: tuple[MapView, ...]
    guest: GuestView | None
    place: Place


class DomainView(NamedTuple):
    """A protection domain.

    Attributes:
        name: Its name.
        parent: The protection domain around it, which handles its faults.
        program_image: Its ELF.
        path_for_symbols: The ELF in which its symbols are looked up, where that is another.
        priority: Its priority.
        budget_us: Its budget; null for Microkit's.
        period_us: Its period; null for Microkit's.
        passive: It has no scheduling context of its own after its start.
        stack_size_bytes: Its stack; null for Microkit's.
        smc: It may make SMC calls.
        core: The core that it is given; null when none is written.
        fpu: Whether it may use the FPU; null for Microkit's choice.
        scheduling_domain: Its scheduling domain.
        id: Its id as a child.
        setvar_id: The symbol of its parent that takes that.
        maps: What it sees of memory.
        interrupts: The interrupts that it receives.
        setvars: Symbols that take physical addresses.
        capabilities: Capabilities of others' objects.
        machine: The virtual machine that it serves.
        place: What decides it.
    """

    name: str
    parent: str | None
    program_image: str
    path_for_symbols: str | None
    priority: int
    budget_us: int | None
    period_us: int | None
    passive: bool
    stack_size_bytes: int | None
    smc: bool
    core: int | None
    fpu: bool | None
    scheduling_domain: str | None
    id: int | None
    setvar_id: str | None
    maps: tuple[MapView, ...]
    interrupts: tuple[InterruptView, ...]
    setvars: tuple[SetvarView, ...]
    capabilities: tuple[CapabilityView, ...]
    machine: MachineView | None
    place: Place


class EndView(NamedTuple):
    """An end of a channel.

    Attributes:
        domain: The protection domain.
        id: Its id there.
        notifies: It may notify the other end.
        calls: It may make protected procedure calls to the other end.
        setvar_id: The symbol that takes the id.
        place: What decides it.
    """

    domain: str
    id: int
    notifies: bool
    calls: bool
    setvar_id: str | None
    place: Place


class ChannelView(NamedTuple):
    """A channel.

    Attributes:
        ends: Its two ends.
        place: What decides it.
    """

    ends: tuple[EndView, ...]
    place: Place


class SeenView(NamedTuple):
    """Who sees a region.

    Attributes:
        owner: The protection domain or virtual machine.
        address: Where.
        rights: Of `r`, `w` and `x`.
        cached: Whether through the caches.
    """

    owner: str
    address: int
    rights: str
    cached: bool


class RegionView(NamedTuple):
    """A memory region.

    Attributes:
        name: Its name.
        kind: `device` for what is no memory of the board, `interrupt controller`, or `memory`.
        size_bytes: Its size; null when nobody says.
        page_size_bytes: Its page size, when one is written.
        phys_addr: Its physical address; null when Microkit chooses.
        prefill_path: The file with its first content.
        prefill_bootinfo: The boot information that it is filled with.
        is_told: Somebody learns its physical address.
        devices: Devices of the board whose registers are in it.
        seen_by: Who sees it.
        why: Where its address comes from, in words.
        place: What decides it.
    """

    name: str
    kind: str
    size_bytes: int | None
    page_size_bytes: int | None
    phys_addr: int | None
    prefill_path: str | None
    prefill_bootinfo: str | None
    is_told: bool
    devices: tuple[str, ...]
    seen_by: tuple[SeenView, ...]
    why: str
    place: Place


class DeviceView(NamedTuple):
    """A device of the board that somebody reaches: its registers, or its interrupt.

    Attributes:
        name: Its name in the board file.
        address: Its registers.
        size_bytes: Their size.
        interrupt: Its INTID.
        given_to: The guests that it is given to; others reach its registers because they share a page.
        regions: The regions that its registers are in.
        reached_by: Who can reach its registers.
        interrupts: Protection domains that receive its interrupt.
        dma: It reads and writes memory by itself: all that there is, since no SMMU stands before it.
        told: Regions whose physical addresses its driver knows.
        place: Where the board file has it.
    """

    name: str
    address: int
    size_bytes: int
    interrupt: int | None
    given_to: tuple[str, ...]
    regions: tuple[str, ...]
    reached_by: tuple[str, ...]
    interrupts: tuple[str, ...]
    dma: bool
    told: tuple[str, ...]
    place: Place


class RangeView(NamedTuple):
    """A stretch of physical addresses.

    Attributes:
        start: Its first address.
        end: The first behind it.
        kind: `kernel`, `root server`, `reserved`, `region`, `device` or `free`; of a window `ram` or `device`.
        name: What it is.
        place: What decides it; null for what follows from the rest.
    """

    start: int
    end: int
    kind: str
    name: str
    place: Place | None = None


class PatchView(NamedTuple):
    """A value for a variable of an ELF.

    Attributes:
        elf: The ELF.
        symbol: The variable, or a part of it.
        value: The value; null while an address is to be learned.
        expression: What it is computed from.
        place: What asks for it.
    """

    elf: str
    symbol: str
    value: int | str | tuple[int, ...] | None
    expression: str
    place: Place


class ServiceView(NamedTuple):
    """What somebody may do through others, who do it for him: no map and no channel tells of it.

    Attributes:
        who: The virtual machine or protection domain.
        may: What he may do: `read`, `write`.
        what: With what.
        place: What decides it.
    """

    who: str
    may: tuple[str, ...]
    what: str
    place: Place


class SchedulingDomainView(NamedTuple):
    """A scheduling domain.

    Attributes:
        name: Its name.
        id: Its number in the kernel; null when Microkit chooses.
    """

    name: str
    id: int | None


class SlotView(NamedTuple):
    """An entry of the domain schedule.

    Attributes:
        domain: The scheduling domain; null for the end of a schedule.
        duration: For how long.
    """

    domain: str | None
    duration: str | None


class ScheduleView(NamedTuple):
    """The scheduling domains.

    Attributes:
        domains: The domains.
        schedule: The entries in their order.
        start_index: The entry that runs first.
        index_shift: Where the schedule is placed; null for Microkit's choice.
    """

    domains: tuple[SchedulingDomainView, ...]
    schedule: tuple[SlotView, ...]
    start_index: int
    index_shift: int | None


class SystemView(NamedTuple):
    """A system for one board.

    Attributes:
        format: `sdfgen show`.
        version: Of this form, 1.
        system: The system's name.
        board: The board.
        microkit: The Microkit version.
        config: The Microkit configuration.
        cores: How many cores its kernel runs on.
        domains: The protection domains, each before its children.
        regions: The memory regions.
        channels: The channels.
        services: What somebody may do through others.
        devices: Devices that somebody reaches.
        memory: What is where in physical memory, in ascending order; what is free is of RAM and windows.
        windows: Where the board file lets regions with a chosen address lie.
        patches: Values for variables of ELFs.
        schedule: The scheduling domains; null without any.
    """

    format: str
    version: int
    system: str
    board: str
    microkit: str
    config: str
    cores: int
    domains: tuple[DomainView, ...]
    regions: tuple[RegionView, ...]
    channels: tuple[ChannelView, ...]
    services: tuple[ServiceView, ...]
    devices: tuple[DeviceView, ...]
    memory: tuple[RangeView, ...]
    windows: tuple[RangeView, ...]
    patches: tuple[PatchView, ...]
    schedule: ScheduleView | None

    def spaces(self) -> "tuple[tuple[str, tuple[MapView, ...]], ...]":
        """Return name and maps of every protection domain, and then of every virtual machine."""
        domains = [(domain.name, domain.maps) for domain in self.domains]
        return (*domains, *((machine.name, machine.maps) for machine in self.machines()))

    def machines(self) -> tuple[MachineView, ...]:
        """Return the virtual machines."""
        return tuple(domain.machine for domain in self.domains if domain.machine is not None)

    def region(self, name: str) -> RegionView | None:
        """Return the region of a name; None when there is none."""
        return next((region for region in self.regions if region.name == name), None)
