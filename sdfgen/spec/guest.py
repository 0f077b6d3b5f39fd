"""Tables of Linux guests."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sdfgen.schema.readers import Flag, ListOf, Name, Number, Numbers, Size, Text
from sdfgen.schema.table import One, Table, key
from sdfgen.spec.scheduled import CORE_DOC, WRITTEN_AS, ScheduledTable

if TYPE_CHECKING:
    from collections.abc import Mapping

_MIB = 2**20


class VmmTable(ScheduledTable):
    """The VMM of the guest around it: the protection domain `NAME_vmm`, where `NAME` is the guest's."""

    core: int | None = key(
        Number(),
        "Core it runs on (from Microkit 2.1.0).",
        default=None,
        default_doc="that of its guest's first virtual CPU",
    )
    domain: str | None = key(
        Name(), "Scheduling domain (from Microkit 2.3.0).", default=None, default_doc="its guest's"
    )


class GuestTable(Table):
    """A Linux guest: a virtual machine, and the VMM that serves it."""

    name: str = key(Name(), "Name of the virtual machine; its VMM is `NAME_vmm`.")
    kernel: str | None = key(Text(), "Linux kernel image (arm64 `Image`), relative to this file.", default=None)
    initrd: str | None = key(Text(), "Initial RAM disk, relative to this file.", default=None)
    dtb: str | None = key(
        Text(),
        "Device tree to start from, relative to this file: a guest with devices needs the machine's own on boards "
        "whose facts make no complete one.",
        default=None,
    )
    bootargs: str = key(Text(), "More words for the kernel command line.", default="")
    ram: int = key(Size(), "Guest RAM, a multiple of 2 MiB.", default=128 * _MIB)
    cpus: int = key(Number(), "Virtual CPUs, 1 to 4 (several from Microkit 2.0.0).", default=1)
    devices: tuple[str, ...] = key(
        ListOf(Name()),
        "Devices passed through, by the names of the board file; they bring their interrupts.",
        default=(),
    )
    interrupts: tuple[str, ...] = key(
        ListOf(Name()), "More interrupts passed through, by the device names of the board file.", default=()
    )
    smc: bool = key(Flag(), "Its VMM may make SMC calls for it (from Microkit 2.0.0).", default=False)
    priority: int | None = key(
        Number(), "Priority of the virtual machine, 0 to 254.", default=None, default_doc="chosen by sdfgen"
    )
    budget: int | None = key(
        Number(), "Budget of the virtual machine in microseconds.", default=None, default_doc="the whole period"
    )
    period: int | None = key(
        Number(), "Period of the virtual machine in microseconds.", default=None, default_doc="the budget, or 10000"
    )
    core: int | tuple[int, ...] | None = key(
        Numbers(),
        "Core that it runs on, or a list with one for each virtual CPU (from Microkit 2.1.0).",
        default=None,
        default_doc=CORE_DOC,
    )
    domain: str | None = key(Name(), "Scheduling domain of its VMM (from Microkit 2.3.0).", default=None)
    vmm: VmmTable | None = key(One(VmmTable), "Its VMM.", default=None, default_doc="one with defaults")
    written_as: ClassVar[Mapping[str, str]] = WRITTEN_AS


class GuestTimerTable(ScheduledTable):
    """The protection domain `guest_timer`, which wakes guests that wait; there is one when there is a guest."""

    domain: str | None = key(
        Name(), "Scheduling domain (from Microkit 2.3.0).", default=None, default_doc="the guests', if they share one"
    )
