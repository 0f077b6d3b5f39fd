"""A Linux guest while it is put together: subsystems add devices, maps and files to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.model.guest import CONSOLE_NAME
from sdfgen.model.microkit import Gpa, Map
from sdfgen.records import NamedTuple
from sdfgen.units import PAGE_BYTES

if TYPE_CHECKING:
    from sdfgen.facts.board import Device
    from sdfgen.faults.source import Where
    from sdfgen.layout.context import Context
    from sdfgen.layout.domain_space import DomainSpace
    from sdfgen.layout.space import Space
    from sdfgen.model.guest import AppendedFile, EmulatedDevice, Guest
    from sdfgen.model.microkit import Channel, Irq, Region, Setvar, Vaddr
    from sdfgen.spec.guest import GuestTable


MAX_VCPUS = 4
"""libvmm's, and so its arrays' (templates/c/include/sdfgen/vmm_limits.h)."""
MAX_EMULATED = 13
"""Of libvmm 0.2.0's handlers of traps, less the interrupt controller's (templates/c/include/sdfgen/vmm_limits.h)."""


class VmmOrigin(NamedTuple):
    """The origin of a VMM: the `vmm` table where a key stands there, otherwise the guest's."""

    guest: GuestTable

    def at(self, name: str) -> Where:
        """Return the place of a key."""
        vmm = self.guest.vmm
        if vmm is not None and vmm.given(name):
            return vmm.at(name)
        if name == "cpu":
            return VcpuOrigin(self.guest, 0).at(name)
        if name in {"name", *_SHARED_KEYS}:
            return self.guest.at(name)
        return vmm.where if vmm is not None else self.guest.where

    def given(self, name: str) -> bool:
        """Tell whether the author wrote this key."""
        vmm = self.guest.vmm
        return (vmm is not None and vmm.given(name)) or (name in _SHARED_KEYS and self.guest.given(name))


_SHARED_KEYS = ("cpu", "domain", "smc", "devices", "interrupts")
"""Keys of the guest that are about its VMM too."""


class VcpuOrigin(NamedTuple):
    """The origin of a guest's virtual CPU: `cpus`, and its entry where `core` is a list."""

    guest: GuestTable
    number: int

    def at(self, name: str) -> Where:
        """Return the place of a key."""
        if name == "id":
            return self.guest.at("cpus")
        where = self.guest.at(name)
        is_entry = name == "cpu" and isinstance(self.guest.core, tuple) and self.number < len(self.guest.core)
        return where._replace(path=(*where.path, self.number)) if is_entry else where

    def given(self, name: str) -> bool:
        """Tell whether the author wrote this key."""
        return self.guest.given("cpus" if name == "id" else name)


class Machine:
    """A guest in the making, with an address space where what all guests see of the board is taken.

    Attributes:
        context: Board, ids and so on.
        table: Its table.
        guest: What is settled of it so far.
        origin: The origin of its VMM.
        space: Its VMM's address space.
        hardware: The devices that are passed through.
        resets: Stores that stop its devices, as its VMM makes them.
        maps: What the guest sees of memory.
        regions, channels, irqs, setvars: What it and its VMM have.
        emulated: Its VMM's table of devices.
        bootargs: Words that its kernel command line needs.
        default_bootargs: Words on it for want of the author's.
        consoles: What Linux calls its consoles, the one for its output first.
        appended: What is appended to its initial RAM disk.
        drives: It drives hardware for others, whose requests its VMM hands on.
    """

    def __init__(
        self, context: Context, table: GuestTable, guest: Guest, hardware: list[Device], addresses: Space
    ) -> None:
        self.context = context
        self.table = table
        self.guest = guest
        self.origin = VmmOrigin(table)
        self.space: DomainSpace = context.domain_space(guest.vmm)
        self.hardware = hardware
        self.resets: list[tuple[Vaddr, int]] = []
        self.maps: list[Map] = []
        self.regions: list[Region] = []
        self.channels: list[Channel] = []
        self.irqs: list[Irq] = []
        self.setvars: list[Setvar] = []
        self.emulated: list[EmulatedDevice] = []
        self.bootargs: list[str] = []
        self.default_bootargs: list[str] = []
        self.consoles: list[str] = []
        self.appended: list[AppendedFile] = []
        self.drives = False
        self._addresses = addresses
        addresses.take(guest.ram_gpa, guest.ram_bytes)
        for start, size_bytes in context.written_maps.get(guest.name, ()):
            addresses.take(start, size_bytes)

    @property
    def name(self) -> str:
        """The guest's name."""
        return self.guest.name

    @property
    def pd(self) -> str:
        """Its VMM's protection domain."""
        return self.guest.vmm

    @property
    def image(self) -> str:
        """Its VMM's program image."""
        vmm = self.table.vmm
        return (vmm.program_image if vmm else None) or f"{self.pd}.elf"

    def place(self, size_bytes: int, alignment: int, start: int, end: int = 2**64) -> Gpa:
        """Take free guest-physical addresses; 0 when there are none, which rules about overlaps tell of.

        Args:
            size_bytes: How many.
            alignment: What the first is a multiple of.
            start: The first that will do.
            end: The first beyond what will do.
        """
        return Gpa(self._addresses.place(size_bytes, alignment, start, end) or 0)

    def take(self, gpa: int, size_bytes: int) -> None:
        """Mark guest-physical addresses as taken."""
        self._addresses.take(gpa, size_bytes)

    def map(self, region: Region, gpa: int, *, perms: str = "rw", cached: bool = True, why: str = "") -> None:
        """Let the guest see a region."""
        self.maps.append(Map(region.name, Gpa(gpa), region.origin, perms, cached=cached, why=why))

    def replay_console(self, kind: str, channel: int) -> None:
        """Let another kind of device be the console that the VMM emulates, if it does.

        Args:
            kind: The kind.
            channel: Whose notifications are for it.
        """
        rows = self.emulated
        rows[:] = [row._replace(kind=kind, channel=channel) if row.name == CONSOLE_NAME else row for row in rows]

    def emulate(self, device: EmulatedDevice) -> None:
        """Add a row to the VMM's table of devices."""
        self.take(device.gpa, device.size_bytes)
        self.emulated.append(device)

    def registers(self, what: str, where: Where) -> tuple[Gpa, int]:
        """Take registers of a page and an interrupt for a device that the VMM emulates.

        Args:
            what: What wants them, for the fault when the board has no more.
            where: Its place in the description.

        Returns:
            Address and INTID.
        """
        facts = self.context.board.emulated
        gpa = self._addresses.place(PAGE_BYTES, PAGE_BYTES, facts.registers, facts.registers + facts.size)
        intid = next((i for i in range(facts.intid, facts.intid + facts.intids) if i not in self._intids()), None)
        if (gpa is None or intid is None) and len(self.emulated) < MAX_EMULATED:
            message = f"no {'registers' if gpa is None else 'interrupt'} left for {what} of guest `{self.name}`"
            advice = f"leave some out; `[emulated]` of board `{self.context.board.name}` says where they may be"
            self.context.faults.add(Fault("SDF106", message, where, advice))
        return Gpa(gpa or facts.registers), facts.intid if intid is None else intid

    def _intids(self) -> set[int]:
        """Return the interrupts that the guest has already."""
        hardware = {device.intid for device in self.hardware if device.intid is not None}
        return hardware | {irq.irq for irq in self.irqs} | {device.intid for device in self.emulated}

    def page(self, region: Region, gpa: int, why: str) -> Vaddr:
        """Let the VMM write a page that its guest reads, as registers that may be read without a trap.

        Args:
            region: The page.
            gpa: Where the guest reads it.
            why: Where that address comes from.

        Returns:
            Where the VMM writes it.
        """
        self.regions.append(region)
        self.map(region, gpa, perms="r", cached=False, why=why)
        return self.space.map(region, cached=False)


def written_cores(table: GuestTable) -> tuple[int | None, ...]:
    """Return the core that the author gives to each virtual CPU of a guest; None where that is left to us.

    A number of them that cannot be, and a list of another length, are a rule's fault.

    Args:
        table: The guest.
    """
    count = min(max(table.cpus, 1), MAX_VCPUS)
    if isinstance(table.core, tuple):
        return (*table.core, *(None,) * count)[:count]
    return (table.core,) * count


def vmm_name(guest: str) -> str:
    """Return the name of a guest's VMM."""
    return f"{guest}_vmm"
