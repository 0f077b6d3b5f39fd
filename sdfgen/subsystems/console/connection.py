"""The region between the multiplexer and one peer: indices as sDDF 0.7's serial queues have them, and bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sdfgen.model.microkit import Region, Vaddr
from sdfgen.records import NamedTuple
from sdfgen.subsystems.console.model import Ends, Queue
from sdfgen.units import PAGE_BYTES, round_up

if TYPE_CHECKING:
    from sdfgen.layout.domain_space import DomainSpace
    from sdfgen.model.microkit import Origin

INDICES_BYTES: Final = 64
"""Of each queue's indices: a cache line, of which sDDF uses 12 bytes."""
SAID_BYTES: Final = PAGE_BYTES
"""What a VMM says of itself fits into a page."""
NONE: Final = Queue(Vaddr(0), Vaddr(0), 0)


class Connection(NamedTuple):
    """A region with queues: to the UART, from it, and for a guest one more, for what its VMM says.

    Attributes:
        region: The region.
        sizes: What each of its queues holds, in bytes.
    """

    region: Region
    sizes: tuple[int, ...]

    def queues(self, start: Vaddr) -> tuple[Queue, ...]:
        """Return the queues of a region that is mapped at an address."""
        found = []
        data = start + PAGE_BYTES
        for number, size_bytes in enumerate(self.sizes):
            found.append(Queue(Vaddr(start + number * INDICES_BYTES), Vaddr(data), size_bytes))
            data += size_bytes
        return tuple(found)

    def map(self, space: DomainSpace, channel: int) -> tuple[Ends, Ends | None]:
        """Map it into a domain: its connection, and that of the VMM behind it.

        Args:
            space: The domain's address space.
            channel: Its channel to the other side.
        """
        tx, rx, *said = self.queues(space.map(self.region))
        return Ends(tx, rx, channel), Ends(said[0], NONE, channel) if said else None


def connection(name: str, queue_bytes: int, origin: Origin, key: str, *, has_vmm: bool = False) -> Connection:
    """Make a connection.

    Args:
        name: The region's name.
        queue_bytes: What each of its queues holds; a number that none may have is a rule's fault.
        origin: The table it comes from.
        key: The key of that which decides about it.
        has_vmm: A VMM says things, too.
    """
    size = max(1, round_up(queue_bytes, PAGE_BYTES))
    sizes = (queue_bytes, queue_bytes, *((SAID_BYTES,) if has_vmm else ()))
    return Connection(Region(name, PAGE_BYTES + 2 * size + SAID_BYTES * has_vmm, origin, key=key), sizes)
