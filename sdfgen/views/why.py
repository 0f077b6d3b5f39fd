"""What a thing of a system is: an address, a number, or a name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.faults.fault import nearest, suggestion
from sdfgen.views import why_addresses, why_names, why_numbers, why_symbols
from sdfgen.views.answers import FORMAT, WhyView
from sdfgen.views.document import VERSION
from sdfgen.views.words import title

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.views.answers import AnswerView
    from sdfgen.views.document import SystemView
    from sdfgen.views.domains import Place

_NUMBER = re.compile(r"0x[0-9a-fA-F_]{1,40}|[0-9][0-9_]{0,40}")
_SHOWN = 60
"""Characters of what was asked that a message repeats."""


def why(view: SystemView, thing: str) -> WhyView:
    """Return what something may be: no answers where it is nothing.

    Args:
        view: The system.
        thing: An address or another number, a name, or a domain and a channel id with a colon between.
    """
    return WhyView(FORMAT, VERSION, view.system, view.board, thing, tuple(_answers(view, thing.strip())))


def _answers(view: SystemView, thing: str) -> Iterator[AnswerView]:
    number = number_of(thing)
    if number is not None:
        yield from why_numbers.answers(view, number)
        yield from why_addresses.answers(view, number)
        return
    yield from why_names.answers(view, thing)
    yield from why_symbols.answers(view, thing)
    domain, colon, rest = thing.rpartition(":")
    number = number_of(rest)
    if colon and number is not None:
        yield from why_numbers.answers(view, number, domain)


def number_of(text: str) -> int | None:
    """Return the number that a text is, in hexadecimal or decimal; None where it is none."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return int(text, 16 if text.startswith("0x") else 10)
    except ValueError:  # underscores where none may be
        return None


def nothing(view: SystemView, thing: str) -> str:
    """Say that something is nothing, and what comes near.

    Args:
        view: The system.
        thing: What was asked.
    """
    shown = thing if len(thing) <= _SHOWN else f"{thing[:_SHOWN]}..."
    said = f"{shown!r} is nothing in {title(view)}"
    number = number_of(thing.strip())
    if number is not None:
        return f"{said}{why_addresses.nearest(view, number)}"
    return f"{said}{suggestion(thing[:_SHOWN], _known(view))}"


def near(view: SystemView, thing: str) -> Place | None:
    """Return the place of what comes near to something that is nothing; None where nothing does.

    Args:
        view: The system.
        thing: What was asked.
    """
    number = number_of(thing.strip())
    if number is not None:
        return why_addresses.near(view, number)
    name = nearest(thing[:_SHOWN], _known(view))
    decisions = [one for answer in _answers(view, name) for one in answer.decisions] if name else []
    return next((one.place for one in decisions if one.place), None)


def _known(view: SystemView) -> list[str]:
    return [*why_names.names(view), *why_symbols.symbols(view)]
