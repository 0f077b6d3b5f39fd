"""The regions between the virtualiser and one of its peers: sDDF 0.7's block queues, and data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.emit.c.names import c_name
from sdfgen.model.microkit import Region
from sdfgen.records import NamedTuple
from sdfgen.subsystems.block.model import MAX_CAPACITY, Queues
from sdfgen.units import PAGE_BYTES, round_up

if TYPE_CHECKING:
    from sdfgen.layout.domain_space import DomainSpace
    from sdfgen.model.microkit import Origin

# sDDF 0.7 block queues: header, then one record per slot.
REQUEST_HEADER_BYTES = 16
REQUEST_BYTES = 32
RESPONSE_HEADER_BYTES = 8
RESPONSE_BYTES = 12
STORAGE_INFO_BYTES = 88


class Connection(NamedTuple):
    """The regions between the virtualiser and one peer; `cached` is how domains map all but the data."""

    storage_info: Region
    requests: Region
    responses: Region
    data: Region
    cached: bool

    @property
    def regions(self) -> tuple[Region, ...]:
        """The regions in their customary order."""
        return self.storage_info, self.requests, self.responses, self.data

    def map(self, space: DomainSpace, channel: int) -> Queues:
        """Map them into a domain.

        Args:
            space: The domain's address space.
            channel: Its channel to the other side.
        """
        queues = (self.storage_info, self.requests, self.responses)
        info, requests, responses = (space.map(region, cached=self.cached) for region in queues)
        return Queues(info, requests, responses, space.map(self.data), channel)


def connection(prefix: str, capacity: int, origin: Origin, data: Region, round_bytes: int | None = None) -> Connection:
    """Make the regions of one connection.

    Args:
        prefix: Start of the regions' names.
        capacity: Slots of each queue.
        origin: The table it comes from.
        data: The region that its data goes through.
        round_bytes: What the queues' sizes are rounded up to where a guest sees them through UIO, uncached; None for
            those that only domains see.
    """

    def region(name: str, size_bytes: int, to: int) -> Region:
        return Region(f"{prefix}_{name}", round_up(size_bytes, to), origin, key="queue_capacity")

    slots = max(1, min(capacity, MAX_CAPACITY))  # others are a rule's fault, not sizes of their own
    unit = round_bytes or PAGE_BYTES
    return Connection(
        region("storage_info", STORAGE_INFO_BYTES, PAGE_BYTES),
        region("requests", REQUEST_HEADER_BYTES + REQUEST_BYTES * slots, unit),
        region("responses", RESPONSE_HEADER_BYTES + RESPONSE_BYTES * slots, unit),
        data,
        cached=round_bytes is None,
    )


def data_region(name: str, size_bytes: int, origin: Origin) -> Region:
    """Make a data region.

    Args:
        name: Its name.
        size_bytes: Its size; one that is not of whole blocks is a rule's fault.
        origin: The table it comes from.
    """
    return Region(name, size_bytes, origin, key="data_size")


def data_map_name(label: str) -> str:
    """Return the name of a disk's data region in the UIO map table."""
    return f"{c_name(label)}_data"


def io_base_symbol(map_name: str) -> str:
    """Return the symbol that carries the io address of the region behind a UIO map."""
    return f"io_base_{map_name}"
