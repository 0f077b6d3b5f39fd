"""What is shown of a system: plain values, the same for every format. docs/views.md documents their JSON form.

Annotations are evaluated here on purpose: `sdfgen schema --of` makes the JSON Schema of them.
"""

from sdfgen.records import NamedTuple
from sdfgen.views.domains import DomainView, MachineView, MapView, Place

FORMAT = "sdfgen show"
VERSION = 1
"""Of the JSON form: grows when a key goes, or means something else; new keys do not count."""
DESCRIPTION, BUILD, SYSTEM_FILE = "description", "build", "system file"
"""What a system may be read from; the latter have less to say of it."""


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
        source: What it was read from: `description`, `build` or `system file`.
        system: The system's name.
        board: The board; empty where nobody says.
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
    source: str
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
