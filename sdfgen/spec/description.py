"""What a person may write in `system.toml`; docs/reference.md is generated from these tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sdfgen.schema.readers import Choice, Expression, Flag, ListOf, Name, Number, Size, Text
from sdfgen.schema.table import Many, One, Table, key
from sdfgen.spec.microkit import (
    X86_ONLY,
    ChannelTable,
    DomainsTable,
    MemoryRegionTable,
    PdIrqTable,
    PdMapTable,
    PdSetvarTable,
    ProtectionDomainTable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

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
