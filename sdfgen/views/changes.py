"""What is different between two systems.

Annotations are evaluated here on purpose: `sdfgen schema --of` makes the JSON Schema of them.
"""

from sdfgen.records import NamedTuple
from sdfgen.views.domains import Place

FORMAT = "sdfgen diff"


class GrantView(NamedTuple):
    """Something that somebody may do.

    Attributes:
        who: The protection domain or virtual machine.
        may: `read`, `write`, `execute`, `notify`, `call`, `receive`, `control`, `hold`, `make` or `reach by DMA`.
        what: What it may do that to.
        place: What decides it, in the system that has it.
    """

    who: str
    may: str
    what: str
    place: Place


class RenameView(NamedTuple):
    """Something that has another name now: it is where it was, with what it had.

    Attributes:
        kind: `protection domain`, `virtual machine` or `memory region`.
        before: Its name in the first system.
        after: Its name in the second.
    """

    kind: str
    before: str
    after: str


class ChangeView(NamedTuple):
    """Another value; names are those of the second system.

    Attributes:
        topic: `parts`, `addresses`, `ids`, `scheduling`, `interrupts`, `memory`, `programs` or `system`.
        kind: The kind of what it is of: `memory region` and so on.
        name: Its name; empty for the system.
        what: What of it.
        before: The value in the first system; null where it has none.
        after: The value in the second.
        place: What decides it: in the second system, or in the first where the second has none.
    """

    topic: str
    kind: str
    name: str
    what: str
    before: str | None
    after: str | None
    place: Place | None


class BoardDiffView(NamedTuple):
    """What is different on a board.

    Attributes:
        board: The board; empty where nobody says.
        gained: What somebody may do in the second system, and not in the first.
        lost: What somebody may do in the first system, and not in the second.
        renamed: What was recognised under another name.
        changes: What else is different.
        left_out: What one of the two says and the other cannot: it is not compared.
    """

    board: str
    gained: tuple[GrantView, ...]
    lost: tuple[GrantView, ...]
    renamed: tuple[RenameView, ...]
    changes: tuple[ChangeView, ...]
    left_out: tuple[str, ...]


class DiffView(NamedTuple):
    """What is different between two systems.

    Attributes:
        format: `sdfgen diff`.
        version: Of this form, 1.
        before: The first system, as it was named.
        after: The second.
        authority_grew: Somebody may do something in the second system that he may not in the first.
        boards: The boards that both have.
        only_before: Boards that the first has alone; nothing is compared there.
        only_after: Boards that the second has alone.
    """

    format: str
    version: int
    before: str
    after: str
    authority_grew: bool
    boards: tuple[BoardDiffView, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
