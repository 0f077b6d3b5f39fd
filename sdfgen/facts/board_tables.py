"""What a board file may say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.schema.readers import Address, Choice, Flag, ListOf, Name, Number, Pages, Size, Text
from sdfgen.schema.table import Many, One, Table, key
from sdfgen.units import U32_MAX

if TYPE_CHECKING:
    from sdfgen.read.toml import Node

FIRST_SPI_INTID = 32
"""GIC: INTIDs below are private to a core; device trees count shared interrupts (SPIs) from here."""
LAST_SPI_INTID = 1019
FIRST_PPI_INTID = 16
"""Device trees count a core's private interrupts (PPIs) from here."""
INTID = Number(FIRST_SPI_INTID, LAST_SPI_INTID)
_OF_SDK = "the SDK's"
"""Keys of which the Microkit SDK's kernel knows the value; 0 or nothing until it has been asked."""


class BoardTable(Table):
    """The board as a whole."""

    summary: str = key(Text(), "One line about it.")
    physical_address_bits: int = key(
        Number(32, 48), "32, 40 or 44: how far physical and user addresses reach.", default=0, default_doc=_OF_SDK
    )
    cores: int = key(Number(1, 64), "Cores an smp configuration can use.", default=0, default_doc=_OF_SDK)
    irq_max: int | None = key(INTID, "Highest INTID that the kernel handles.", default=None, default_doc="not known")
    loader_address: int | None = key(Address(), "Where the image is loaded.", default=None, default_doc="not known")


class KernelTable(Table):
    """The kernel in memory."""

    base: int = key(Address(), "Physical address of its ELF.")
    reserve: int = key(Size(), "Bytes from there that no fixed region may take.")


class RangeTable(Table):
    """A range of physical memory."""

    name: str = key(Name(), "What it is.", default="RAM")
    base: int = key(Address(), "Its start.")
    size: int = key(Size(), "Its size.")


class WindowTable(RangeTable):
    """Memory in which regions may be given an address."""

    kind: str = key(Choice("ram", "device"), "`device`: seL4 keeps it out of its RAM; content is not zeroed.")


class LargePagesTable(Table):
    """2 MiB pages."""

    single_allocation: int = key(Size(), "Largest single allocation of them.")


class GicTable(Table):
    """The interrupt controller."""

    version: int = key(Number(2, 3), "2 or 3.", default=0, default_doc=_OF_SDK)
    distributor: int = key(Address(), "The distributor, as guests see it too.")
    distributor_size: int = key(Size(), "Its size.")
    cpu_interface: int | None = key(
        Address(), "Version 2: the CPU interface, where guests see the virtual one.", default=None
    )
    cpu_interface_size: int | None = key(Size(), "Version 2: its size.", default=None)
    vcpu_interface: int | None = key(Address(), "Version 2: the virtual CPU interface (GICV).", default=None)
    redistributor: int | None = key(Address(), "Version 3: the redistributors, as guests see them too.", default=None)
    redistributor_size: int | None = key(Size(), "Version 3: their size, 128 KiB for each core.", default=None)


class GuestTable(Table):
    """What Linux guests on this board look like."""

    ram: int = key(Address(), "Start of guest RAM.")
    dtb_from_top: int = key(Size(), "How far below the top of RAM the device tree lies.")
    initrd_from_top: int = key(Size(), "How far below the top of RAM the initial RAM disk lies, or more.")
    cpu: str = key(Text(), "`compatible` of the CPU.")
    psci: str = key(Choice("smc", "hvc"), "How guests call PSCI.")
    timer_ppis: tuple[int, ...] = key(ListOf(Number(0, 15)), "Secure, non-secure, virtual and hypervisor timer PPIs.")
    complete_tree: bool = key(Flag(), "The device facts here suffice for a whole device tree.")
    console: str = key(Text(), "Linux name of the UART, for a guest that is given it instead of an emulated one.")
    console_device: str = key(Name(), "Name of the device that is that UART.")
    tree: str | None = key(
        Text(), "The board's own tree, as Linux builds it below arch/arm64/boot/dts: amlogic/NAME.dtb.", default=None
    )
    memory_node: str | None = key(
        Text(), "Name of the memory node in the board's own tree.", default=None, default_doc="that of guest RAM"
    )
    bootargs: str = key(
        Text(), "Words for the kernel command line of a guest that runs on the board's own tree.", default=""
    )
    disable: tuple[str, ...] = key(
        ListOf(Text()), "Nodes of the board's own tree that the driver VM must not use.", default=()
    )

    @classmethod
    def _unknown(cls, name: str, node: Node) -> Fault:
        return _renamed(name, node) or super()._unknown(name, node)


class EmulatedTable(Table):
    """Where guests see the devices that their VMMs emulate."""

    registers: int = key(Address(), "Start of the guest-physical addresses of which each device has a page.")
    size: int = key(Pages(), "How far they reach.")
    intid: int = key(INTID, "Virtual interrupt of the first device.")
    intids: int = key(Number(1, 988), "How many in a row there are for devices.")


class ConsoleTable(Table):
    """Where Linux guests see their console, a PL011 that the VMM emulates."""

    registers: int = key(Address(), "Its registers.")
    size: int = key(Pages(), "Their size.")
    intid: int = key(INTID, "Its virtual interrupt.")


class TimerTable(Table):
    """The timer that the kernel lets domains use (KernelArmExportPTMRUser)."""

    intid: int = key(Number(16, 31), "Interrupt of the EL1 physical timer, a PPI.")


class QemuTable(Table):
    """How QEMU is asked for this board."""

    machine: str = key(Text(), "`-machine`.")
    cpu: str = key(Text(), "`-cpu`.")
    memory: str = key(Text(), "`-m`.")


class DiskTable(Table):
    """A disk of the board that a guest can drive: `sdfgen init` writes it into new descriptions."""

    devices: tuple[str, ...] = key(ListOf(Name()), "Devices that its driver needs.")
    storage: str = key(Text(), "What Linux calls the disk there.")
    modules: tuple[str, ...] = key(
        ListOf(Text()), "Modules of Debian's kernel that drive it, as files; what they need comes along.", default=()
    )
    ram: int | None = key(
        Size(), "RAM of a guest whose memory must lie in a certain place.", default=None, default_doc="the usual"
    )


class ClockTable(Table):
    """A fixed clock that device nodes refer to."""

    name: str = key(Name(), "Its name.")
    frequency_hz: int = key(Number(1, U32_MAX), "Its frequency.")


class ResetTable(Table):
    """A store that stops a device: it then neither reads nor writes memory, and is as it was when the board started."""

    offset: int = key(Address(), "Of the register of 32 bits, in the device's.")
    value: int = key(Number(0, U32_MAX), "What is stored, and reads back when the device has stopped.", default=0)


class DeviceFacts(Table):
    """What devices and rows of slots have in common."""

    name: str = key(Name(), "Its name in descriptions.")
    base: int = key(Address(), "Its registers.")
    intid: int | None = key(INTID, "Its interrupt.", default=None, default_doc="none")
    trigger: str = key(Choice("level", "edge"), "How the interrupt is signalled.", default="level")
    dma: bool = key(Flag(), "It reads and writes memory by itself, with guest-physical addresses.", default=False)
    reset: ResetTable | None = key(
        One(ResetTable),
        "How it is stopped, so that a guest that it writes to can be started again.",
        default=None,
        default_doc="not known",
    )
    coherent: bool = key(Flag(), "What it reads and writes is coherent with the caches.", default=False)
    node: str | None = key(Text(), "Name of its node in a complete device tree.", default=None)
    compatible: tuple[str, ...] = key(ListOf(Text()), "`compatible` of that node.", default=())
    clocks: tuple[str, ...] = key(ListOf(Name()), "Its clocks.", default=())
    clock_names: tuple[str, ...] = key(ListOf(Text()), "Their names.", default=())


class DeviceTable(DeviceFacts):
    """A device that can be passed through to the driver VM."""

    size: int = key(Size(), "Size of the registers.")
    paths: tuple[str, ...] = key(
        ListOf(Text()), "Its nodes in the board's own tree, by every name that Linux has had for them.", default=()
    )


class SlotsTable(DeviceFacts):
    """A row of equal devices, named `NAME0`, `NAME1`, …, with consecutive interrupts."""

    step: int = key(Size(), "Distance and size of the registers.")
    count: int = key(Number(1, 1024), "How many there are.")


class BoardFile(Table):
    """A board file. It has what the descriptions for the board make use of."""

    board: BoardTable = key(One(BoardTable), "The board.")
    kernel: KernelTable | None = key(One(KernelTable), "The kernel.", default=None, default_doc=_OF_SDK)
    ram: tuple[RangeTable, ...] = key(
        Many(RangeTable, least=1), "RAM that the kernel knows.", default=(), default_doc=_OF_SDK
    )
    window: tuple[WindowTable, ...] = key(Many(WindowTable), "Where fixed regions may lie.", default=())
    reserved: tuple[RangeTable, ...] = key(
        Many(RangeTable), "What no region may touch.", default=(), default_doc=_OF_SDK
    )
    large_pages: LargePagesTable | None = key(
        One(LargePagesTable), "2 MiB pages.", default=None, default_doc="from the RAM"
    )
    gic: GicTable | None = key(One(GicTable), "The interrupt controller.", default=None)
    guest: GuestTable | None = key(One(GuestTable), "Linux guests.", default=None)
    emulated: EmulatedTable | None = key(One(EmulatedTable), "Devices that VMMs emulate.", default=None)
    console: ConsoleTable | None = key(One(ConsoleTable), "The consoles of guests.", default=None)
    timer: TimerTable | None = key(One(TimerTable), "A timer for domains.", default=None)
    qemu: QemuTable | None = key(One(QemuTable), "QEMU.", default=None)
    disk: DiskTable | None = key(One(DiskTable), "A disk that a guest can drive.", default=None)
    clock: tuple[ClockTable, ...] = key(Many(ClockTable), "Clocks.", default=())
    device: tuple[DeviceTable, ...] = key(Many(DeviceTable), "Devices.", default=())
    slots: tuple[SlotsTable, ...] = key(Many(SlotsTable), "Rows of devices.", default=())

    @classmethod
    def _unknown(cls, name: str, node: Node) -> Fault:
        return _renamed(name, node) or super()._unknown(name, node)


_RENAMED = {
    "client": (
        "[client] is written [emulated] now",
        "write [emulated]: `registers` (was `virtio_mmio`), `size` of all devices' pages together, `intid`, `intids`",
    ),
    "complete_driver_tree": ("`complete_driver_tree` is written `complete_tree` now", "write `complete_tree`"),
}


def _renamed(name: str, node: Node) -> Fault | None:
    """Return the fault of a key that was written otherwise in earlier versions."""
    if name not in _RENAMED:
        return None
    message, advice = _RENAMED[name]
    return Fault("SDF004", message, node.where.of_key(), advice)
