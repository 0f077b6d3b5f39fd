"""The monitor's values in a system.

Annotations are evaluated here on purpose: as text, each of them is compiled at every start.
"""

from sdfgen.model.counted import Counted
from sdfgen.model.microkit import Origin, Vaddr
from sdfgen.model.system import System
from sdfgen.records import NamedTuple

NAME = "monitor"


class Page(NamedTuple):
    """A domain that counts, and where the monitor reads its page."""

    counted: Counted
    vaddr: Vaddr


class Monitor(NamedTuple):
    """The monitor.

    Attributes:
        pd: Its protection domain.
        interval: At each so many-th look all is said; 0 for never.
        pages: What it reads.
        origin: Its table.
    """

    pd: str
    interval: int
    pages: tuple[Page, ...]
    origin: Origin


def monitor_of(system: System) -> Monitor | None:
    """Return the monitor of a system."""
    found: Monitor | None = system.parts.get(NAME)
    return found
