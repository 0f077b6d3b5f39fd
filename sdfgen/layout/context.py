"""What guests and subsystems are built from: the description, the board, and what is free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.layout.domain_space import DomainSpace
from sdfgen.model.counted import PAGE_SYMBOL, Counted
from sdfgen.model.microkit import Region
from sdfgen.records import NamedTuple
from sdfgen.units import PAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sdfgen.facts.board import Board
    from sdfgen.facts.dialects import Dialect
    from sdfgen.faults.fault import Faults
    from sdfgen.layout.ids import Ids
    from sdfgen.model.counted import CountedRow
    from sdfgen.model.microkit import Channel, Origin, ProtectionDomain
    from sdfgen.spec.description import Spec
    from sdfgen.spec.scheduled import ScheduledTable

TIME_SLICE_US = 10_000
"""Of domains and guests alike. Microkit's 1 ms cuts a guest's work by an interrupt each time it has passed."""

# Event handlers stand above the virtual machines, which all share one priority: a guest that
# spins takes its round-robin share and cannot keep the others, or a handler, from running.
TIMER_PRIORITY = 130
SERVER_PRIORITY = 120
DRIVER_VMM_PRIORITY = 110
VMM_PRIORITY = 100
GUEST_PRIORITY = 60


class Context(NamedTuple):
    """What building a system needs.

    Attributes:
        spec: The description.
        board: The board.
        dialect: The Microkit version.
        ids: Free channel and interrupt ids.
        written_maps: Address ranges, start and size, that the description maps by hand, by the space's name.
        folder: Where relative file names of the description start.
        faults: Takes what is wrong.
        watched: Who counts so far, each with its page; None where nobody reads it.
    """

    spec: Spec
    board: Board
    dialect: Dialect
    ids: Ids
    written_maps: Mapping[str, Sequence[tuple[int, int]]]
    folder: str
    faults: Faults
    watched: list[tuple[Counted, Region]] | None = None

    def let_count(self, pd: str, space: DomainSpace, rows: tuple[CountedRow, ...], origin: Origin) -> None:
        """Give a domain whose program is made here a page for what it counts, if somebody reads it.

        Args:
            pd: The domain.
            space: Its address space.
            rows: The page's rows.
            origin: What the domain is made of.
        """
        if self.watched is not None:
            page = Region(f"{pd}_counters", PAGE_BYTES, origin)
            space.map_told(page, PAGE_SYMBOL)
            self.watched.append((Counted(pd, page.name, rows, origin), page))

    def fpu(self, table: ScheduledTable) -> bool | None:
        """Return whether a domain may use the FPU, which C of ours does not; None leaves it to Microkit.

        Args:
            table: A domain whose code is all made here, unless it names a program image.
        """
        spared = table.fpu is None and table.program_image is None
        return False if spared and "protection_domain.fpu" in self.dialect.attributes else table.fpu

    def domain_space(self, pd: str) -> DomainSpace:
        """Return the address space of a protection domain; what is mapped by hand is taken."""
        return DomainSpace(self.written_maps.get(pd, ()))


class Parts(NamedTuple):
    """Pieces of a system."""

    pds: tuple[ProtectionDomain, ...] = ()
    regions: tuple[Region, ...] = ()
    channels: tuple[Channel, ...] = ()


def scheduling(budget_us: int | None, period_us: int | None) -> tuple[int | None, int | None]:
    """Return budget and period of a domain or a virtual machine; one that stands alone is both.

    Args:
        budget_us: As the description has it.
        period_us: As the description has it.
    """
    return (TIME_SLICE_US if budget_us is None and period_us is None else budget_us), period_us
