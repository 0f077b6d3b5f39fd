"""What is shown of protection domains and virtual machines: plain values, the same for every format.

Annotations are evaluated here on purpose: `sdfgen schema --of` makes the JSON Schema of them.
"""

from sdfgen.records import NamedTuple


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
        command_line: The kernel command line.
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
    command_line: str
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
