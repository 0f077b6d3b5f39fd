"""What goes into a symbol of an ELF: setvars and patches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple
from sdfgen.views.answers import AnswerView, DecisionView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.views.document import PatchView, SystemView
    from sdfgen.views.domains import DomainView, MapView, Place


class _Set(NamedTuple):
    """A symbol of a domain's image that Microkit sets."""

    symbol: str | None
    domain: DomainView
    what: str
    place: Place


def answers(view: SystemView, symbol: str) -> Iterator[AnswerView]:
    """Yield what goes into a symbol.

    Args:
        view: The system.
        symbol: The symbol, or the path of a part of it.
    """
    for one in _all(view):
        if one.symbol == symbol:
            image = one.domain.path_for_symbols or one.domain.program_image
            decision = DecisionView(f"what {one.domain.name} gets", "a setvar of the system file", one.place)
            yield AnswerView("symbol", symbol, f"of {image} takes {one.what}", decisions=(decision,))
    yield from (_patch(patch) for patch in view.patches if patch.symbol == symbol)


def symbols(view: SystemView) -> Iterator[str]:
    """Yield all symbols that take something.

    Args:
        view: The system.
    """
    yield from (one.symbol for one in _all(view) if one.symbol is not None)
    yield from (patch.symbol for patch in view.patches)


def _all(view: SystemView) -> Iterator[_Set]:
    for domain in view.domains:
        for m in domain.maps:
            yield from _of_map(domain, m)
        for one in domain.setvars:
            address = next((region.phys_addr for region in view.regions if region.name == one.region), None)
            value = "which Microkit chooses" if address is None else hex(address)
            yield _Set(one.symbol, domain, f"the physical address of {one.region}, {value}", one.place)
        for irq in domain.interrupts:
            yield _Set(irq.setvar_id, domain, f"the channel id of interrupt {irq.irq}, {irq.id}", irq.place)
        if domain.machine:
            for m in domain.machine.maps:
                yield from _of_map(domain, m)
    yield from _of_ids(view)


def _of_map(domain: DomainView, m: MapView) -> Iterator[_Set]:
    yield _Set(m.setvar_vaddr, domain, f"the address of {m.region}, {m.address:#x}", m.place)
    size = "of what it begins with" if m.size_bytes is None else hex(m.size_bytes)
    yield _Set(m.setvar_size, domain, f"the size of {m.region}, {size}", m.place)
    yield _Set(m.setvar_prefill_size, domain, f"the length of what {m.region} begins with", m.place)


def _of_ids(view: SystemView) -> Iterator[_Set]:
    by_name = {domain.name: domain for domain in view.domains}
    for channel in view.channels:
        for near, far in (channel.ends, channel.ends[::-1]):
            if near.domain in by_name:
                what = f"the id of the channel to {far.domain}, {near.id}"
                yield _Set(near.setvar_id, by_name[near.domain], what, near.place)
    for child in view.domains:
        if child.parent in by_name:
            yield _Set(
                child.setvar_id, by_name[child.parent], f"the id of the child {child.name}, {child.id}", child.place
            )


def _patch(patch: PatchView) -> AnswerView:
    value = "an address that Microkit chooses" if patch.value is None else _value(patch.value)
    decision = DecisionView("the value", patch.expression, patch.place)
    return AnswerView("symbol", patch.symbol, f"of {patch.elf} is patched: {value}", decisions=(decision,))


def _value(value: int | str | tuple[int, ...]) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(hex, value))}]"
    return hex(value) if isinstance(value, int) else repr(value)
