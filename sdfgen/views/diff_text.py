"""Differences as text, and as Markdown for reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple
from sdfgen.views.attributes import EXISTS, TOPICS
from sdfgen.views.authority import VERBS
from sdfgen.views.renames import DOMAIN, MACHINE, REGION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sdfgen.views.changes import BoardDiffView, ChangeView, DiffView, GrantView
    from sdfgen.views.domains import Place

    Mark = Callable[[str], str]

ANY_BOARD = "no board named"
_ORDER = tuple(VERBS.values())


class _Section(NamedTuple):
    """What is told together: a title, and lines."""

    title: str
    lines: tuple[str, ...]


def as_text(view: DiffView) -> str:
    """Return differences as text.

    Args:
        view: The differences.
    """
    blocks = []
    for board in view.boards:
        lines = [f"{board.board or ANY_BOARD}: {_verdict(board)}"]
        for section in _sections(board, _plain):
            lines += ["", section.title, *(f"  {line}" for line in section.lines)]
        lines += ["", _left_out(board)] if board.left_out else []
        blocks.append("\n".join(lines) + "\n")
    return "\n".join([*blocks, *(f"{line}\n" for line in _alone(view))])


def as_markdown(view: DiffView) -> str:
    """Return differences as Markdown.

    Args:
        view: The differences.
    """
    lines = [f"## {code(view.before)} → {code(view.after)}"]
    for board in view.boards:
        lines += ["", f"### {code(board.board) if board.board else ANY_BOARD}: {_verdict(board)}"]
        for section in _sections(board, code):
            lines += ["", f"**{section.title}**", "", *(f"- {line}" for line in section.lines)]
        lines += ["", _left_out(board)] if board.left_out else []
    lines += [part for line in _alone(view) for part in ("", line)]
    return "\n".join(lines) + "\n"


def code(text: str) -> str:
    """Return a text as Markdown that shows it as it is."""
    fence = "`" * (max(map(len, "".join(c if c == "`" else " " for c in text).split()), default=0) + 1)
    padding = " " if "`" in text else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def _plain(text: str) -> str:
    return text


def _left_out(board: BoardDiffView) -> str:
    return f"not compared, since one of the two cannot say it: {'; '.join(board.left_out)}"


def _alone(view: DiffView) -> Iterator[str]:
    yield from (f"{board} is a board of {view.before} alone" for board in view.only_before)
    yield from (f"{board} is a board of {view.after} alone" for board in view.only_after)


def _verdict(board: BoardDiffView) -> str:
    if board.gained:
        return "authority grew"
    if board.lost:
        return "authority shrank"
    return "the same authority" if board.renamed or board.changes else "no difference"


def _sections(board: BoardDiffView, mark: Mark) -> Iterator[_Section]:
    """Yield what there is to tell, by topic; nothing of topics without."""
    lost = [grant for grant in board.lost if not _went(grant, board)]
    rest = len(board.lost) - len(lost)
    told = [
        ("gained", [*_grants(board.gained, "+", mark)]),
        ("lost", [*_grants(lost, "-", mark), *[f"what went with the parts that are gone ({rest})"] * bool(rest)]),
        ("renamed", [f"{one.kind} {mark(one.before)} is {mark(one.after)} now" for one in board.renamed]),
    ]
    told += [(topic, [_change(one, mark) for one in board.changes if one.topic == topic]) for topic in TOPICS]
    yield from (_Section(title, tuple(lines)) for title, lines in told if lines)


def _went(grant: GrantView, board: BoardDiffView) -> bool:
    """Tell whether somebody may not do something any more because he, or what he did it to, is gone."""
    gone = [(one.kind, one.name) for one in board.changes if one.what == EXISTS and one.after is None]
    owners = {name for kind, name in gone if kind in {DOMAIN, MACHINE}}
    things = {name for kind, name in gone if kind == REGION} if grant.may in _ORDER else owners
    return grant.who in owners or grant.what in things


def _grants(grants: Iterable[GrantView], sign: str, mark: Mark) -> Iterator[str]:
    """Yield a line for each thing that somebody may do; reading, writing and executing one thing is one."""
    together: dict[tuple[str, str, str], list[GrantView]] = {}
    for grant in grants:
        kind = "memory" if grant.may in _ORDER else grant.may
        together.setdefault((grant.who, kind, grant.what), []).append(grant)
    lead = "" if mark is code else f"{sign} "
    for (who, _, what), ones in together.items():
        verbs = sorted({one.may for one in ones}, key=lambda verb: _ORDER.index(verb) if verb in _ORDER else 0)
        listed = " and ".join(filter(None, (", ".join(verbs[:-1]), verbs[-1])))
        yield f"{lead}{mark(who)} may {listed} {mark(what)}{_at(ones[0].place)}"


def _change(one: ChangeView, mark: Mark) -> str:
    subject = f"{one.kind} {mark(one.name)}" if one.name else one.kind
    if one.what == EXISTS:
        said, what = ("new", one.after) if one.before is None else ("gone", one.before)
        return f"{said}: {subject} ({what}){_at(one.place)}"
    before, after = (mark(value) if value is not None else "nothing" for value in (one.before, one.after))
    return f"{subject}, {one.what}: {before} -> {after}{_at(one.place)}"


def _at(place: Place | None) -> str:
    return "" if place is None else f" ({place.file}:{place.line})"
