"""Answers as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.views.text import table
from sdfgen.views.words import rights_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.views.answers import AccessView, AnswerView, DecisionView, WhyView


_OWNERS = ("protection domain", "virtual machine")


def as_text(view: WhyView) -> str:
    """Return answers as text.

    Args:
        view: The answers.
    """
    return "\n".join("".join(f"{line}\n" for line in _answer(answer)) for answer in view.answers)


def _answer(answer: AnswerView) -> Iterator[str]:
    yield f"{answer.kind} {answer.name}: {answer.what}"
    yield from (f"  {row}" for row in answer.more)
    if answer.access:
        own = answer.kind in _OWNERS
        rows = [row[:1] + row[2:] if own else row for row in map(_access, answer.access)]
        yield "  sees" if own else "  seen by"
        yield from (f"    {row}" for row in table(rows))
    if answer.decisions:
        yield "  decided by"
        yield from (f"    {row}" for row in table(_decision(one) for one in answer.decisions))


def _access(one: AccessView) -> tuple[str, ...]:
    if one.dma:
        return "DMA", one.who, one.region, "reaches any physical memory"
    return (
        rights_words(one.rights, cached=one.cached),
        one.who,
        one.region,
        "" if one.address is None else hex(one.address),
    )


def _decision(one: DecisionView) -> tuple[str, str, str]:
    place = "the board" if one.place is None else f"{one.place.file}:{one.place.line}:{one.place.column}"
    path = f" {one.place.path}" if one.place and one.place.path else ""
    return f"{place}{path}", one.what, one.rule
