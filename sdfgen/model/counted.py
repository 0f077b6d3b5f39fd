"""What protection domains count, in a page that others read.

Annotations are evaluated here on purpose: as text, each of them is compiled at every start.
"""

from sdfgen.model.microkit import Origin
from sdfgen.records import NamedTuple

# Kinds of rows, as templates/c/include/sdfgen/counters.h calls them.
SERVICE = "COUNTERS_SERVICE"
REQUESTS = "COUNTERS_REQUESTS"
VMM = "COUNTERS_VMM"
CONSOLE = "COUNTERS_CONSOLE"
COLUMNS = {
    SERVICE: ("restarts", "cut_offs", "stray", "depth"),
    REQUESTS: ("requests", "bytes", "errors", "refused", "depth", "longest_wait_ns", "cut_offs"),
    VMM: ("injections", "restarts", "stops"),
    CONSOLE: ("out_bytes", "out_lines", "out_lost", "in_bytes", "in_lost", "focus_changes", "cut_offs"),
}
"""What the columns of each kind are called, in the order of the page."""
PAGE_SYMBOL = "counters_page_vaddr"
"""The variable of a domain's program that tells it where its page is."""


class CountedRow(NamedTuple):
    """A row of a page: its name, empty for the domain itself, and its kind, which says what its columns are."""

    name: str
    kind: str


class Counted(NamedTuple):
    """A protection domain that counts.

    Attributes:
        pd: The domain.
        region: Its page.
        rows: The rows, from the first.
        origin: What it is made of.
    """

    pd: str
    region: str
    rows: tuple[CountedRow, ...]
    origin: Origin
