"""The guest timer: the domain that wakes guests that wait, since their own timers stand still meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.model.guest import GuestTimer, TimerLink
from sdfgen.model.microkit import Channel, End, Irq, ProtectionDomain, Region
from sdfgen.subsystems.block.shared import TIMER_PRIORITY, TIMER_STACK_BYTES, Context, PdSpace
from sdfgen.units import PAGE_BYTES

if TYPE_CHECKING:
    from sdfgen.spec.description import GuestTable

NAME = "guest_timer"
POLL_PERIOD_US = 1000
"""How late a guest may be woken on a board without a timer for domains."""
POLL_BUDGET_US = 100
"""Of that, what looking at all guests' times may take."""


class TimerBuilder:
    """Collects the guests' links to the guest timer, and then makes its domain."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._space = PdSpace(context.board.address_limit)
        self._links: list[TimerLink] = []
        self.regions: list[Region] = []
        self.channels: list[Channel] = []

    def connect(self, table: GuestTable, name: str, vmm: str, space: PdSpace) -> TimerLink:
        """Link a guest's VMM to the timer.

        Args:
            table: The guest's table.
            name: The virtual machine.
            vmm: Its protection domain.
            space: That domain's address space.

        Returns:
            The link as the VMM sees it.
        """
        page = Region(f"{name}_wake", PAGE_BYTES, table)
        far = TimerLink(self._space.map(page, perms="r"), self._context.ids.next(NAME))
        near = TimerLink(space.map(page), self._context.ids.next(vmm))
        self._links.append(far)
        self.regions.append(page)
        self.channels.append(Channel((End(NAME, far.channel, table), End(vmm, near.channel, table)), table))
        return near

    def build(self) -> tuple[ProtectionDomain, GuestTimer]:
        """Make the domain, after the last link."""
        facts, table = self._context.board.facts.timer, self._context.table
        irq = Irq(facts.intid, self._context.ids.next(NAME), table) if facts else None
        pd = ProtectionDomain(
            name=NAME,
            origin=table,
            program_image=f"{NAME}.elf",
            priority=TIMER_PRIORITY,
            budget_us=None if irq else POLL_BUDGET_US,
            period_us=None if irq else POLL_PERIOD_US,
            stack_size_bytes=TIMER_STACK_BYTES,
            maps=tuple(self._space.maps),
            irqs=(irq,) if irq else (),
        )
        return pd, GuestTimer(NAME, tuple(self._links), irq.id if irq else None)
