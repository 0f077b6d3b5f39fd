"""What is answered when somebody asks what a thing is, and why it is so.

Annotations are evaluated here on purpose: `sdfgen schema --of` makes the JSON Schema of them.
"""

from sdfgen.records import NamedTuple
from sdfgen.views.domains import Place

FORMAT = "sdfgen why"


class AccessView(NamedTuple):
    """Who sees something, or what somebody sees.

    Attributes:
        who: The protection domain, virtual machine, or device.
        region: The memory region.
        address: Where it is seen there; null for a device that uses physical addresses.
        rights: Of `r`, `w` and `x`.
        cached: Whether through the caches.
        dma: It is a device that reaches it by itself.
    """

    who: str
    region: str
    address: int | None
    rights: str
    cached: bool
    dma: bool = False


class DecisionView(NamedTuple):
    """What decided something.

    Attributes:
        what: What was decided.
        rule: How it came about, in words.
        place: The file and the line; null for what follows from the board file and the rest.
    """

    what: str
    rule: str
    place: Place | None


class AnswerView(NamedTuple):
    """One of the things that something may be.

    Attributes:
        kind: What kind of thing: `memory region`, `physical address`, `interrupt` and so on.
        name: What it is called.
        what: What it is, in words.
        more: What else there is to say.
        access: Who sees it, or what it sees.
        decisions: What decided it.
    """

    kind: str
    name: str
    what: str
    more: tuple[str, ...] = ()
    access: tuple[AccessView, ...] = ()
    decisions: tuple[DecisionView, ...] = ()


class WhyView(NamedTuple):
    """All that something may be.

    Attributes:
        format: `sdfgen why`.
        version: Of this form, 1.
        system: The system's name.
        board: The board.
        thing: What was asked.
        answers: What it is; a number may be several things.
    """

    format: str
    version: int
    system: str
    board: str
    thing: str
    answers: tuple[AnswerView, ...]
