"""What a person may write in `system.toml`; docs/reference.md is generated from these tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sdfgen.schema.readers import Address, Choice, Expression, Flag, ListOf, Name, Number, Size, Text
from sdfgen.schema.table import Many, One, Table, key

if TYPE_CHECKING:
    from collections.abc import Mapping

X86_ONLY = "is for x86 boards"
_MIB = 2**20


class SystemTable(Table):
    """The system as a whole."""

    name: str = key(Name(), "Name of the system; the emitted file is `NAME.system`.")
    boards: tuple[str, ...] = key(ListOf(Name()), "Boards to build for, each a file in `boards/`.")
    microkit: str = key(
        Text(),
        "Microkit version whose grammar is emitted: 1.4.1, 2.0.1, 2.1.0, 2.2.0 or 2.3.0.",
        default="2.0.1",
    )
    config: str = key(Text(), "Microkit configuration: debug, release, benchmark or an smp one.", default="debug")


class ScheduledTable(Table):
    """Scheduling keys shared by generated protection domains."""

    priority: int | None = key(
        Number(), "Priority of the protection domain, 0 to 254.", default=None, default_doc="chosen by sdfgen"
    )
    budget: int | None = key(Number(), "Budget in microseconds.", default=None, default_doc="the whole period")
    period: int | None = key(Number(), "Period in microseconds.", default=None, default_doc="the budget, or 10000")
    stack_size: int | None = key(
        Size(), "Stack of the protection domain.", default=None, default_doc="chosen by sdfgen"
    )
    image: str | None = key(
        Text(), "Program image, relative to the tool's search path.", default=None, default_doc="`NAME.elf`"
    )


class GuestTable(ScheduledTable):
    """Keys shared by Linux guests."""

    ram: int = key(Size(), "Guest RAM, a multiple of 2 MiB.", default=128 * _MIB)
    kernel: str | None = key(Text(), "Linux kernel image (arm64 `Image`), relative to this file.", default=None)
    initrd: str | None = key(Text(), "Initial RAM disk, relative to this file.", default=None)
    bootargs: str = key(Text(), "More words for the kernel command line.", default="")
    vm_priority: int | None = key(
        Number(), "Priority of the virtual machine.", default=None, default_doc="chosen by sdfgen"
    )
    vm_budget: int | None = key(
        Number(),
        "Budget of the virtual machine in microseconds.",
        default=None,
        default_doc="the whole period",
    )
    vm_period: int | None = key(
        Number(), "Period of the virtual machine in microseconds.", default=None, default_doc="the budget, or 10000"
    )


class VirtualiserTable(ScheduledTable):
    """The block virtualiser: hands out partitions and turns offsets into io addresses."""

    name: str = key(Name(), "Name of its protection domain.", default="blk_virt")
    data_size: int = key(Size(), "Its own data region, for reading partition tables.", default=2 * _MIB)


class DriverTable(GuestTable):
    """The driver VM: a Linux guest that owns the disk and serves the virtualiser through UIO."""

    name: str = key(Name(), "Name of the virtual machine; its VMM is `NAME_vmm`.", default="blk_driver")
    storage: str = key(Text(), "Path of the disk inside the driver VM, such as `/dev/vda` or `/dev/mmcblk0`.")
    devices: tuple[str, ...] = key(
        ListOf(Name()), "Devices passed through, by the names of the board file; they bring their interrupts."
    )
    interrupts: tuple[str, ...] = key(
        ListOf(Name()), "More interrupts passed through, by the device names of the board file.", default=()
    )
    queue_capacity: int | None = key(
        Number(),
        "Requests that fit into the queues between virtualiser and driver.",
        default=None,
        default_doc="the sum of the clients', at most 32768",
    )
    dtb: str | None = key(
        Text(), "Base device tree of the guest, for boards without a complete one of their own.", default=None
    )


class ClientTable(GuestTable):
    """A client of the block subsystem."""

    name: str = key(Name(), "Name of the client; a Linux client's VMM is `NAME_vmm`.")
    kind: str = key(
        Choice("linux", "native"),
        "A Linux guest with a virtio-blk device, or a protection domain.",
        default="linux",
    )
    partition: int = key(Number(), "Index of its partition on the disk, counted from 0.")
    data_size: int = key(
        Size(), "Its data region, a multiple of 4 KiB: what may be in flight at once.", default=2 * _MIB
    )
    queue_capacity: int = key(Number(), "Requests that fit into its queues.", default=1024)
    read_only: bool = key(Flag(), "Refuse writes.", default=False)


class BlockTable(Table):
    """The block subsystem: one driver VM, one virtualiser, 1 to 60 clients."""

    physical_addresses: str = key(
        Choice("assigned", "learned"),
        "`assigned`: sdfgen places the data regions and patches the addresses into the ELFs. "
        "`learned`: Microkit places them and writes the addresses through `setvar region_paddr`.",
        default="assigned",
    )
    phys_addr_page: str = key(
        Choice("run-time", "prefilled"),
        "Who fills the page that tells the driver VM the physical addresses: its VMM at run time, or the image "
        "itself (from Microkit 2.2.0, with assigned addresses).",
        default="run-time",
    )
    domain: str | None = key(
        Name(), "Scheduling domain of all its protection domains (from Microkit 2.3.0).", default=None
    )
    driver: DriverTable = key(One(DriverTable), "The driver VM.")
    virtualiser: VirtualiserTable | None = key(
        One(VirtualiserTable), "The virtualiser.", default=None, default_doc="one named `blk_virt`"
    )
    client: tuple[ClientTable, ...] = key(Many(ClientTable), "The clients, in the order of their indices.", default=())


class MapTable(Table):
    """A mapping of a memory region into the protection domain or virtual machine around it."""

    mr: str = key(Name(), "The memory region.")
    vaddr: int = key(Address(), "Address at which it appears; guest-physical in a virtual machine.")
    perms: str = key(Text(), "Rights: r, rw, rx or rwx.", default="rw")
    cached: bool = key(Flag(), "False maps it uncached.", default=True)
    setvar_vaddr: str | None = key(Text(), "Symbol that takes the address.", default=None)
    setvar_size: str | None = key(Text(), "Symbol that takes the region's size (from Microkit 2.0.0).", default=None)
    setvar_prefill_size: str | None = key(
        Text(), "Symbol that takes the prefill file's length (from Microkit 2.2.0).", default=None
    )


class IrqTable(Table):
    """A hardware interrupt delivered to the protection domain around it."""

    irq: int = key(Number(), "Interrupt number as the GIC counts (INTID: SPI + 32).")
    id: int = key(Number(), "Channel id it arrives on, 0 to 61.")
    trigger: str = key(Text(), "`level` or `edge`.", default="level")
    setvar_id: str | None = key(Text(), "Symbol that takes the id (from Microkit 2.1.0).", default=None)
    foreign: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("ioapic", "pin", "vector", "polarity", "pcidev", "handle"), X86_ONLY
    )


class SetvarTable(Table):
    """A symbol of the program image that takes a region's physical address."""

    symbol: str = key(Text(), "The symbol, 8 bytes.")
    region_paddr: str = key(Name(), "The memory region.")


class VcpuTable(Table):
    """A virtual CPU."""

    id: int = key(Number(), "Its id, 0 to 61.")
    cpu: int | None = key(Number(), "Core it runs on (from Microkit 2.1.0).", default=None)
    setvar_id: str | None = key(Text(), "Accepted by Microkit and never acted on.", default=None)


class VirtualMachineTable(Table):
    """A virtual machine of the protection domain around it."""

    name: str = key(Name(), "Its name.")
    priority: int = key(Number(), "Its priority, 0 to 254.", default=0)
    budget: int | None = key(Number(), "Budget in microseconds.", default=None, default_doc="1000")
    period: int | None = key(Number(), "Period in microseconds.", default=None, default_doc="the budget")
    vcpu: tuple[VcpuTable, ...] = key(Many(VcpuTable), "Its virtual CPUs.", default=())
    map: tuple[MapTable, ...] = key(Many(MapTable), "What it sees of memory.", default=())


class CapTable(Table):
    """A capability placed into the protection domain's own part of its CSpace (from Microkit 2.3.0)."""

    kind: str = key(Text(), "`tcb`, `sc` or `vspace`.")
    slot: int = key(Number(), "Slot, 1 to 127.")
    pd: str = key(Name(), "The protection domain whose object it is.")


class ProtectionDomainTable(Table):
    """A protection domain as Microkit knows it."""

    name: str = key(Name(), "Its name.")
    program_image: str = key(Text(), "Its ELF, relative to the tool's search path.")
    path_for_symbols: str | None = key(
        Text(), "Another ELF in which symbols are looked up (from Microkit 2.2.0).", default=None
    )
    priority: int = key(Number(), "Its priority, 0 to 254.", default=0)
    budget: int | None = key(Number(), "Budget in microseconds.", default=None, default_doc="1000")
    period: int | None = key(Number(), "Period in microseconds.", default=None, default_doc="the budget")
    passive: bool = key(Flag(), "Give up the scheduling context after init.", default=False)
    stack_size: int | None = key(Size(), "Its stack.", default=None, default_doc="Microkit's: 4 KiB, 8 KiB from 2.1.0")
    smc: bool = key(Flag(), "May make SMC calls (from Microkit 2.0.0).", default=False)
    cpu: int | None = key(Number(), "Core it runs on (from Microkit 2.1.0).", default=None)
    fpu: bool | None = key(Flag(), "May use the FPU (from Microkit 2.3.0).", default=None)
    domain: str | None = key(Name(), "Scheduling domain (from Microkit 2.3.0).", default=None)
    id: int | None = key(Number(), "Child id, 0 to 61; only on nested protection domains.", default=None)
    setvar_id: str | None = key(
        Text(), "Symbol of the parent that takes the child id (from Microkit 2.1.0).", default=None
    )
    map: tuple[MapTable, ...] = key(Many(MapTable), "What it sees of memory.", default=())
    irq: tuple[IrqTable, ...] = key(Many(IrqTable), "Interrupts it receives.", default=())
    setvar: tuple[SetvarTable, ...] = key(Many(SetvarTable), "Symbols that take physical addresses.", default=())
    cap: tuple[CapTable, ...] = key(Many(CapTable), "Extra capabilities.", default=())
    virtual_machine: VirtualMachineTable | None = key(
        One(VirtualMachineTable), "The virtual machine it serves.", default=None
    )
    protection_domain: tuple[ProtectionDomainTable, ...] = key(
        Many(None), "Children, whose faults it handles.", default=()
    )
    foreign: ClassVar[Mapping[str, str]] = {"ioport": X86_ONLY}


class MemoryRegionTable(Table):
    """A memory region."""

    name: str = key(Name(), "Its name.")
    size: int | None = key(
        Size(),
        "Its size, a multiple of its page size.",
        default=None,
        default_doc="the prefill file's, rounded up",
    )
    page_size: int | None = key(
        Size(), "4 KiB or 2 MiB.", default=None, default_doc="as large as size and addresses allow"
    )
    phys_addr: int | None = key(Address(), "Physical address.", default=None, default_doc="chosen by Microkit")
    prefill_path: str | None = key(Text(), "File with its first content (from Microkit 2.2.0).", default=None)
    prefill_bootinfo: str | None = key(
        Text(), "Boot information to fill it with; on AArch64 `fdt` (from Microkit 2.3.0).", default=None
    )


class EndTable(Table):
    """One end of a channel."""

    pd: str = key(Name(), "The protection domain.")
    id: int | None = key(Number(), "Channel id, 0 to 61.", default=None, default_doc="the lowest free one")
    pp: bool = key(Flag(), "May make protected procedure calls.", default=False)
    notify: bool = key(Flag(), "May notify the other end (from Microkit 2.0.0).", default=True)
    setvar_id: str | None = key(Text(), "Symbol that takes the id (from Microkit 2.1.0).", default=None)


class ChannelTable(Table):
    """A channel between two protection domains."""

    ends: tuple[EndTable, ...] = key(Many(EndTable), "Its two ends.")


class PdMapTable(MapTable):
    """A mapping added to any protection domain or virtual machine, generated ones too."""

    pd: str = key(Name(), "The protection domain or virtual machine.")


class PdIrqTable(IrqTable):
    """An interrupt added to any protection domain."""

    pd: str = key(Name(), "The protection domain.")


class PdSetvarTable(SetvarTable):
    """A setvar added to any protection domain."""

    pd: str = key(Name(), "The protection domain.")


class ScheduleTable(Table):
    """One entry of the domain schedule."""

    domain: str | None = key(Name(), "The domain that runs.", default=None)
    duration: str | None = key(Text(), 'For how long: "100 us" or "5000 ticks".', default=None)
    end_marker: bool = key(Flag(), "Ends a schedule instead of naming a domain.", default=False)


class DomainsTable(Table):
    """Scheduling domains (from Microkit 2.3.0)."""

    names: tuple[str, ...] = key(ListOf(Name()), "The domains, at most 16.")
    schedule: tuple[ScheduleTable, ...] = key(Many(ScheduleTable), "The schedule, fewer than 100 entries.", default=())
    start_index: int = key(Number(), "Entry that runs first.", default=0)
    index_shift: int | None = key(Number(), "Where the schedule is placed.", default=None)


class PatchTable(Table):
    """A value written into a symbol of an ELF after it is linked."""

    elf: str = key(Text(), "The ELF: an output such as `uio_blk_driver.elf`, or a file relative to this one.")
    symbol: str = key(Text(), "The symbol.")
    value: int | str = key(
        Expression(),
        "A number, or an expression of `phys_addr('REGION')`, `size('REGION')`, `vaddr('REGION', 'PD or VM')`, "
        "`channel('PD', 'OTHER PD')`, `irq('PD', INTID)`, numbers and + - * // % << >> & | ( ).",
    )
    size: int = key(Number(), "Bytes to write: 1, 2, 4 or 8.", default=8)


class ToolchainTable(Table):
    """Programs that the build uses."""

    cc: str = key(
        Text(),
        "`zig`, or the prefix of a GCC cross compiler such as `aarch64-linux-gnu-`.",
        default="zig",
    )
    microkit_sdk: str | None = key(
        Text(), "The Microkit SDK.", default=None, default_doc="the environment's `MICROKIT_SDK`"
    )
    libvmm: str | None = key(
        Text(),
        "libvmm: a folder with `include/` and `libvmm.a`.",
        default=None,
        default_doc="the environment's `LIBVMM`",
    )


class Spec(Table):
    """The whole description. `include = [...]` and `[board.NAME]` are resolved before it is read."""

    system: SystemTable = key(One(SystemTable), "The system as a whole.")
    block: BlockTable | None = key(One(BlockTable), "The block subsystem.", default=None)
    protection_domain: tuple[ProtectionDomainTable, ...] = key(
        Many(ProtectionDomainTable), "Raw protection domains.", default=()
    )
    memory_region: tuple[MemoryRegionTable, ...] = key(Many(MemoryRegionTable), "Raw memory regions.", default=())
    channel: tuple[ChannelTable, ...] = key(Many(ChannelTable), "Raw channels.", default=())
    map: tuple[PdMapTable, ...] = key(Many(PdMapTable), "Mappings added to existing domains.", default=())
    irq: tuple[PdIrqTable, ...] = key(Many(PdIrqTable), "Interrupts added to existing domains.", default=())
    setvar: tuple[PdSetvarTable, ...] = key(Many(PdSetvarTable), "Setvars added to existing domains.", default=())
    domains: DomainsTable | None = key(One(DomainsTable), "Scheduling domains.", default=None)
    patch: tuple[PatchTable, ...] = key(Many(PatchTable), "Values patched into ELFs.", default=())
    toolchain: ToolchainTable | None = key(One(ToolchainTable), "Programs of the build.", default=None)
    foreign: ClassVar[Mapping[str, str]] = {"io_address_space": "needs an x86 IOMMU", "ioport": X86_ONLY}
