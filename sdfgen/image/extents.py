"""Where the Microkit tool places regions, whatever it says that in."""

from __future__ import annotations

from sdfgen.records import NamedTuple


class Extent(NamedTuple):
    """Where a region lies.

    Attributes:
        address: Its first page; None for one whose place is decided when the system starts.
        size_bytes: Its pages together.
        contiguous: The pages follow each other in the order of its addresses, and it is known that they will.
    """

    address: int | None
    size_bytes: int
    contiguous: bool


class Extents(NamedTuple):
    """Physical addresses by region: those of the description, and the tool's own (program images, stacks)."""

    regions: dict[str, Extent]
    own: dict[str, Extent]


EMPTY = Extents({}, {})


class UnknownFormError(Exception):
    """What is not known here of a file that the tool wrote."""
