"""The guest timer: the domain that wakes guests that wait, since their own timers stand still meanwhile.

Other domains that must not wait for ever are woken by it as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.layout.context import TIMER_PRIORITY, Parts
from sdfgen.model.guest import GuestTimer, TimerLink
from sdfgen.model.microkit import Channel, End, Irq, ProtectionDomain, Region
from sdfgen.records import NamedTuple
from sdfgen.spec.guest import GuestTimerTable
from sdfgen.units import PAGE_BYTES

if TYPE_CHECKING:
    from sdfgen.faults.source import Where
    from sdfgen.guests.machine import Machine
    from sdfgen.layout.context import Context
    from sdfgen.layout.domain_space import DomainSpace
    from sdfgen.model.microkit import Origin
    from sdfgen.spec.guest import GuestTable

NAME = "guest_timer"
STACK_BYTES = 0x1000
POLL_PERIOD_US = 1000
"""How late a guest may be woken on a board without a timer for domains."""
POLL_BUDGET_US = 100
"""Of that, what looking at all guests' times may take."""


class TimerOrigin(NamedTuple):
    """The origin of the guest timer: its table where a key stands there, otherwise the first guest, which needs it."""

    table: GuestTimerTable | None
    guest: GuestTable

    def at(self, name: str) -> Where:
        """Return the place of a key."""
        if self.table is not None and (self.table.given(name) or name != "domain"):
            return self.table.at(name)
        return self.guest.at("domain") if name == "domain" else self.guest.where

    def given(self, name: str) -> bool:
        """Tell whether the author wrote this key."""
        return self.table is not None and self.table.given(name)


class TimerBuilder:
    """Collects the guests' links to the guest timer, and then makes its domain."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._written = context.spec.guest_timer
        self._table = self._written or GuestTimerTable.empty(context.spec.where, context.faults)
        self._space = context.domain_space(NAME)
        self._links: list[TimerLink] = []
        self._guests: list[GuestTable] = []
        self._regions: list[Region] = []
        self._channels: list[Channel] = []

    def connect_guest(self, machine: Machine) -> TimerLink:
        """Link a guest's VMM to the timer.

        Args:
            machine: The guest.

        Returns:
            The link as the VMM sees it.
        """
        self._guests.append(machine.table)
        return self.connect(machine.name, machine.pd, machine.table, machine.space)

    def connect(self, name: str, pd: str, origin: Origin, space: DomainSpace) -> TimerLink:
        """Link a protection domain to the timer.

        Args:
            name: Whose page it is.
            pd: The protection domain.
            origin: Its table.
            space: Its address space.

        Returns:
            The link as the domain sees it.
        """
        ids = self._context.ids
        page = Region(f"{name}_wake", PAGE_BYTES, origin)
        far = TimerLink(self._space.map(page, perms="r"), ids.next(NAME))
        near = TimerLink(space.map(page), ids.next(pd))
        self._links.append(far)
        self._regions.append(page)
        self._channels.append(Channel((End(NAME, far.channel, origin), End(pd, near.channel, origin)), origin))
        return near

    def build(self) -> tuple[GuestTimer | None, Parts]:
        """Make the domain, after the last link; without any there is none."""
        if not self._guests:
            return None, Parts()
        facts, table = self._context.board.facts.timer, self._table
        origin = TimerOrigin(self._written, self._guests[0])
        irq = Irq(facts.intid, self._context.ids.next(NAME), origin) if facts else None
        domains = {guest.domain for guest in self._guests}
        shared = next(iter(domains)) if len(domains) == 1 else None
        pd = ProtectionDomain(
            name=NAME,
            origin=origin,
            program_image=table.program_image or f"{NAME}.elf",
            priority=TIMER_PRIORITY if table.priority is None else table.priority,
            budget_us=table.budget if irq or table.budget is not None else POLL_BUDGET_US,
            period_us=table.period if irq or table.period is not None else POLL_PERIOD_US,
            stack_size_bytes=STACK_BYTES if table.stack_size is None else table.stack_size,
            cpu=table.core,
            fpu=self._context.fpu(table),
            domain=shared if table.domain is None else table.domain,
            maps=tuple(self._space.maps),
            irqs=(irq,) if irq else (),
        )
        timer = GuestTimer(NAME, tuple(self._links), irq.id if irq else None)
        return timer, Parts((pd,), tuple(self._regions), tuple(self._channels))
