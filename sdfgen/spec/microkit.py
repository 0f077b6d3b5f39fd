"""Tables of a description that say what Microkit knows: domains, regions, channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sdfgen.schema.readers import Address, Flag, ListOf, Name, Number, Size, Text
from sdfgen.schema.table import Many, One, Table, key

if TYPE_CHECKING:
    from collections.abc import Mapping

X86_ONLY = "is for x86 boards"
OPEN_DOMAIN_ID = -1
"""In `[domains] id`: Microkit chooses."""


class MapTable(Table):
    """A mapping of a memory region into the protection domain or virtual machine around it."""

    mr: str = key(Name(), "The memory region.")
    vaddr: int = key(Address(), "Address at which it appears; guest-physical in a virtual machine.")
    perms: str = key(Text(), "Rights: r, rw, rx or rwx, in any order.", default="rw")
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
    pp: bool = key(
        Flag(),
        "Could be called, and nobody has a channel to it (Microkit 1.4.1 only); of callers their `channel.ends` tell.",
        default=False,
    )
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
        default_doc="the prefill file's, rounded up; one page of boot information",
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
    id: tuple[int, ...] = key(
        ListOf(Number()),
        "Their numbers in the kernel, 0 to 15, in the order of `names`; -1 leaves one to Microkit.",
        default=(),
        default_doc="chosen by Microkit",
    )
    schedule: tuple[ScheduleTable, ...] = key(Many(ScheduleTable), "The schedule, fewer than 100 entries.", default=())
    start_index: int = key(Number(), "Entry that runs first.", default=0)
    index_shift: int | None = key(Number(), "Where the schedule is placed.", default=None)
