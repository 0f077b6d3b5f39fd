"""What is different between two systems, by meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.views.attributes import EXISTS, PARTS, TOPICS, attributes
from sdfgen.views.authority import gained
from sdfgen.views.changes import FORMAT, BoardDiffView, ChangeView, DiffView
from sdfgen.views.comparable import comparable
from sdfgen.views.document import VERSION
from sdfgen.views.renamed import renamed
from sdfgen.views.renames import Renames

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sdfgen.views.attributes import Attribute
    from sdfgen.views.document import SystemView

    Key = tuple[str, str, str, str]


def diff(before: Mapping[str, SystemView], after: Mapping[str, SystemView], names: tuple[str, str]) -> DiffView:
    """Return what is different between systems for the same boards.

    Args:
        before: The first system, by board.
        after: The second.
        names: What the two are called.
    """
    boards = tuple(board_diff(before[board], after[board]) for board in before if board in after)
    return DiffView(
        format=FORMAT,
        version=VERSION,
        before=names[0],
        after=names[1],
        authority_grew=any(one.gained for one in boards),
        boards=boards,
        only_before=tuple(board for board in before if board not in after),
        only_after=tuple(board for board in after if board not in before),
    )


def board_diff(before: SystemView, after: SystemView) -> BoardDiffView:
    """Return what is different between two systems for one board.

    Args:
        before: The first.
        after: The second.
    """
    before, after, left_out = comparable(before, after)
    new = Renames(before, after)
    same_names = renamed(before, new)
    return BoardDiffView(
        board=after.board,
        gained=gained(same_names, after),
        lost=gained(after, same_names),
        renamed=new.renamed,
        changes=tuple(_changes(same_names, after)),
        left_out=left_out,
    )


def _changes(before: SystemView, after: SystemView) -> Iterator[ChangeView]:
    had, has = ({one.key: one for one in attributes(view)} for view in (before, after))
    for key in sorted(had.keys() | has.keys(), key=lambda key: (TOPICS.index(key[0]), *key[1:])):
        one, two = had.get(key), has.get(key)
        there = two or one
        if there is None or _same(one, two) or _follows(there, one, two, _exists(key, had) != _exists(key, has)):
            continue
        yield ChangeView(*key, one and one.value, two and two.value, there.place)


def _same(one: Attribute | None, two: Attribute | None) -> bool:
    """Tell whether nothing is to be told of a value; of what is there before and after, all is told by other values."""
    return one is not None and two is not None and (one.value == two.value or one.what == EXISTS)


def _exists(key: Key, system: Mapping[Key, Attribute]) -> bool:
    return (PARTS, key[1], key[2], EXISTS) in system


def _follows(there: Attribute, one: Attribute | None, two: Attribute | None, comes_or_goes: bool) -> bool:
    """Tell whether a value comes or goes with something else that is told of: a right, or the whole thing."""
    alone = one is None or two is None
    return alone and there.what != EXISTS and (there.of_grant or comes_or_goes)
