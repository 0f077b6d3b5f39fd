"""The clients: guests, each with a virtio-console and a PL011, and protection domains, each with a pair of queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sdfgen.guests.machine import Machine
from sdfgen.model.guest import EmulatedDevice
from sdfgen.model.microkit import Region
from sdfgen.records import NamedTuple
from sdfgen.subsystems.console.connection import connection
from sdfgen.subsystems.console.model import Client
from sdfgen.subsystems.console.spec import wants_console, wants_sddf
from sdfgen.units import PAGE_BYTES

if TYPE_CHECKING:
    from sdfgen.layout.context import Context
    from sdfgen.layout.domain_space import DomainSpace
    from sdfgen.layout.native import Native
    from sdfgen.model.microkit import Vaddr
    from sdfgen.subsystems.console.spec import ConsoleTable
    from sdfgen.subsystems.roles import Clients

VIRTIO_KIND: Final = "virtio_console"
UART_KIND: Final = "console_pl011"
"""What the console becomes that every guest has."""
LINUX_NAME: Final = "hvc0"
EARLY: Final = "earlycon"
"""Until hvc0 is there, a kernel speaks by the PL011, which the device tree names; Linux does not say it again."""


class Wish(NamedTuple):
    """Somebody who gets a console."""

    client: Machine | Native

    @property
    def rows(self) -> int:
        """How many rows of the multiplexer's table he takes."""
        return 2 if isinstance(self.client, Machine) else 1


class Attached(NamedTuple):
    """What somebody got: his row, his VMM's where he is a guest, and the region behind both."""

    client: Client
    vmm: Client | None
    region: Region


def wishes(clients: Clients) -> list[Wish]:
    """Return who gets a console, by name: guests that do not refuse, and protection domains that ask for one."""
    guests = [Wish(machine) for machine in clients.guests if wants_console(machine.table) is not False]
    natives = [Wish(one) for one in clients.natives if wants_console(one.table) or wants_sddf(one.table)]
    return sorted((*guests, *natives), key=lambda wish: wish.client.name)


def attach(context: Context, table: ConsoleTable, wish: Wish, mux: str, space: DomainSpace) -> Attached:
    """Give somebody a console.

    Args:
        context: Free ids and so on.
        table: `[console]`.
        wish: Who.
        mux: The multiplexer.
        space: Its address space.
    """
    owner = wish.client
    is_guest = isinstance(owner, Machine)
    link = connection(f"console_{owner.name}", table.queue_size, table, "queue_size", has_vmm=is_guest)
    channel = context.ids.next(owner.pd)
    near, said = link.map(owner.space, channel)
    far, heard = link.map(space, context.ids.next(mux))
    sddf = not isinstance(owner, Machine) and wants_sddf(owner.table)
    registers = _give_devices(owner, channel) if isinstance(owner, Machine) else None
    client = Client(owner.name, owner.name, owner.pd, near, far, registers, sddf, owner.table)
    vmm = None
    if said is not None and heard is not None:
        vmm = client._replace(name=owner.pd, near=said, far=heard)
    return Attached(client, vmm, link.region)


def _give_devices(machine: Machine, channel: int) -> Vaddr:
    """Add virtio-console, and let the PL011 that the guest has reach the same queues.

    Returns:
        Where the VMM writes the registers that its guest reads.
    """
    machine.replay_console(UART_KIND, channel)
    gpa, intid = machine.registers("the console", machine.table.at("console"))
    machine.emulate(EmulatedDevice(VIRTIO_KIND, "hvc", gpa, PAGE_BYTES, intid, machine.table, channel))
    machine.consoles.insert(0, LINUX_NAME)
    machine.default_bootargs.append(EARLY)
    page = Region(f"{machine.name}_hvc", PAGE_BYTES, machine.table, key="console")
    return machine.page(page, gpa, "first fit in `[emulated]` of the board")
