"""What a small number may be: an interrupt, or a channel id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.views.answers import AnswerView, DecisionView
from sdfgen.views.why_parts import WRITTEN
from sdfgen.views.words import slots_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.views.document import ChannelView, EndView, SystemView
    from sdfgen.views.domains import InterruptView, MachineView


def answers(view: SystemView, number: int, of: str | None = None) -> Iterator[AnswerView]:
    """Yield what a number is.

    Args:
        view: The system.
        number: The number.
        of: The protection domain or machine that it is looked for in; None for all.
    """
    for domain in (one for one in view.domains if of in {None, one.name}):
        for interrupt in domain.interrupts:
            if interrupt.irq == number:
                yield _interrupt(domain.name, interrupt)
            if interrupt.id == number:
                yield _id_of_interrupt(domain.name, interrupt)
        for channel in view.channels:
            yield from _ids(domain.name, channel, number)
    for machine in (one for one in view.machines() if of in {None, one.name}):
        yield from _emulated(machine, number)


def _interrupt(domain: str, one: InterruptView) -> AnswerView:
    whose = slots_text(one.devices) or "a device that the board file does not have"
    what = f"of {whose}, {one.trigger}, comes to {domain} on channel id {one.id}"
    decision = DecisionView("who receives it", _rule(one), one.place)
    return AnswerView("interrupt", str(one.irq), what, decisions=(decision,))


def _rule(one: InterruptView) -> str:
    path = one.place.path
    return "a device brings its interrupt" if path.endswith("devices") else WRITTEN


def _id_of_interrupt(domain: str, one: InterruptView) -> AnswerView:
    decision = DecisionView("the id", _rule(one), one.place)
    symbol = f"; {one.setvar_id} takes it" if one.setvar_id else ""
    return AnswerView("channel id", f"{domain}:{one.id}", f"interrupt {one.irq}{symbol}", decisions=(decision,))


def _ids(domain: str, channel: ChannelView, number: int) -> Iterator[AnswerView]:
    for near, far in (channel.ends, channel.ends[::-1]):
        if near.domain == domain and near.id == number:
            yield _channel(near, far)


def _channel(near: EndView, far: EndView) -> AnswerView:
    may = ["notify"] * near.notifies + ["call"] * near.calls
    what = f"channel to {far.domain}, which has it as {far.id}; {near.domain} may {' and '.join(may) or 'do nothing'}"
    symbol = (f"{near.setvar_id} takes the id",) if near.setvar_id else ()
    rule = WRITTEN if near.place.path.endswith("id") else "the lowest that was free"
    return AnswerView(
        "channel id", f"{near.domain}:{near.id}", what, symbol, decisions=(DecisionView("the id", rule, near.place),)
    )


def _emulated(machine: MachineView, number: int) -> Iterator[AnswerView]:
    for one in machine.guest.emulated if machine.guest else ():
        if one.interrupt == number:
            what = f"of {one.name} ({one.kind}) in {machine.name}, injected by its VMM"
            decision = DecisionView("it", "an interrupt of the board file for emulated devices", one.place)
            yield AnswerView("virtual interrupt", str(number), what, decisions=(decision,))
