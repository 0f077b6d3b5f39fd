"""What a description has to say of a system file: tables in the file's order, each with the element it comes from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

from sdfgen.read.element import Element
from sdfgen.read.toml import Node
from sdfgen.records import NamedTuple
from sdfgen.spec.microkit import (
    OPEN_DOMAIN_ID,
    CapTable,
    ChannelTable,
    DomainsTable,
    EndTable,
    IrqTable,
    MapTable,
    MemoryRegionTable,
    ProtectionDomainTable,
    ScheduleTable,
    SetvarTable,
    VcpuTable,
    VirtualMachineTable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sdfgen.model.microkit import Origin
    from sdfgen.model.system import System
    from sdfgen.schema.table import Table

_AS_IN_TOML = re.compile(r"0x[0-9A-Fa-f]+(_[0-9A-Fa-f]+)*|\+?(0|[1-9](_?[0-9])*)")
"""Numbers of Microkit's that TOML writes likewise; Microkit takes `_` anywhere, and leading zeros."""


class Written(int):
    """A number that knows how its author wrote it."""

    text: str

    def __new__(cls, value: int, text: str) -> Self:
        """Return a number that is written as `text` says, as far as TOML can."""
        number = super().__new__(cls, value)
        number.text = text if _AS_IN_TOML.fullmatch(text) else hex(value) if text.startswith("0x") else str(value)
        return number


class Draft(NamedTuple):
    """A table to be written.

    Attributes:
        key: The key of the table around it that holds it.
        element: What it comes from.
        keys: Its values by key.
        inside: The tables in it, in the file's order.
        before: Comments before it.
        beside: Comments behind it, on its line.
        above: Comments that stand above one of its keys.
        end: Comments behind all in it.
    """

    key: str
    element: Element
    keys: dict[str, Any]
    inside: tuple[Draft, ...]
    before: tuple[str, ...]
    beside: tuple[str, ...]
    above: Mapping[str, tuple[str, ...]]
    end: tuple[str, ...]


class _Kind(NamedTuple):
    """What an element becomes: a table under a key, with these keys beside those of its attributes."""

    key: str
    table: type[Table]
    fixed: Mapping[str, Any] = {}


_KINDS = {
    "memory_region": _Kind("memory_region", MemoryRegionTable),
    "protection_domain": _Kind("protection_domain", ProtectionDomainTable),
    "virtual_machine": _Kind("virtual_machine", VirtualMachineTable),
    "vcpu": _Kind("vcpu", VcpuTable),
    "map": _Kind("map", MapTable),
    "irq": _Kind("irq", IrqTable),
    "setvar": _Kind("setvar", SetvarTable),
    **{f"cap_{kind}": _Kind("cap", CapTable, {"kind": kind}) for kind in ("tcb", "sc", "vspace")},
    "channel": _Kind("channel", ChannelTable),
    "end": _Kind("ends", EndTable),
    "domains": _Kind("domains", DomainsTable),
    "schedule_entry": _Kind("schedule", ScheduleTable),
    "schedule_end_marker": _Kind("schedule", ScheduleTable, {"end_marker": True}),
}
_AS_KEYS = {"program_image": "program_image", "domain": "names"}
"""Elements of which a key of the table around them tells."""
_DISSOLVED = ("cspace", "domain_schedule")
"""Elements whose tables stand in the table around them."""
SINGLE = ("virtual_machine", "domains", "vmm", "guest_timer")
"""Tables of which there is one; all others are of arrays."""


def drafts_of(root: Element, system: System) -> tuple[Draft, ...]:
    """Return the tables that say what a system file says.

    Args:
        root: Its root, with the values of all attributes read.
        system: The system that it describes: who calls stands in it, whatever the Microkit version.
    """
    return tuple(_Drafts(system).inside(root))


class _Drafts:
    def __init__(self, system: System) -> None:
        callers = {id(end.origin) for channel in system.channels for end in channel.ends if end.pp}
        self._marked = callers | {id(pd.origin) for pd in system.all_pds() if pd.pp}

    def inside(self, element: Element) -> Iterator[Draft]:
        """Yield what becomes of the elements in one."""
        for child in element.children:
            if child.tag in _KINDS:
                yield self._draft(child, _KINDS[child.tag])
            elif child.tag in _DISSOLVED:
                yield from self._dissolved(child)

    def _dissolved(self, element: Element) -> Iterator[Draft]:
        """Yield the tables in an element that has none itself; its comments go to the first of them."""
        comments = (*element.comments.before, *element.comments.beside)
        for draft in self.inside(element):
            yield draft._replace(before=(*comments, *draft.before))
            comments = ()

    def _draft(self, element: Element, kind: _Kind) -> Draft:
        above: dict[str, tuple[str, ...]] = {}
        for child in element.children:
            if child.tag in _AS_KEYS:
                name = _AS_KEYS[child.tag]
                above[name] = (*above.get(name, ()), *(text for texts in child.comments for text in texts))
        ends = (child.comments.end for child in element.children if child.tag in _DISSOLVED)
        return Draft(
            key=kind.key,
            element=element,
            keys={**kind.fixed, **dict(self._keys(element, kind.table))},
            inside=tuple(self.inside(element)),
            before=tuple(element.comments.before),
            beside=tuple(element.comments.beside),
            above=above,
            end=(*(text for texts in ends for text in texts), *element.comments.end),
        )

    def _keys(self, element: Element, table: type[Table]) -> Iterator[tuple[str, Any]]:
        """Yield what the element says of each key of a table, unless it is the key's default."""
        if table is DomainsTable:
            yield from _domains(element)
        for name, wanted in table.keys.items():
            value = id(element) in self._marked if name == "pp" else _value(element, name)
            if value is not None and value != wanted.default:
                yield name, value


def _value(element: Element, name: str) -> Any:  # noqa: ANN401 - attributes are of any type
    """Return what an element, or one in it, says of a key; None where neither does."""
    holder, attribute = element.elsewhere.get(name, (element, name))
    return written(holder.values.get(attribute), holder, attribute)


def written(value: Any, element: Origin, attribute: str) -> Any:  # noqa: ANN401 - see _value
    """Return a value, of numbers one that is written as in an attribute of an element, if it has that.

    Args:
        value: The value.
        element: The element.
        attribute: The attribute.
    """
    text = element.attributes.get(attribute) if isinstance(element, Element) else None
    return value if text is None or type(value) is not int else Written(value, text)


def _domains(element: Element) -> Iterator[tuple[str, Any]]:
    """Yield names and numbers of scheduling domains."""
    found = element.inside("domain")
    ids = [_value(domain, "id") for domain in found]
    yield "names", [_value(domain, "name") for domain in found]
    if any(number is not None for number in ids):
        yield "id", [OPEN_DOMAIN_ID if number is None else number for number in ids]


def node_of(drafts: tuple[Draft, ...], head: Mapping[str, Any], root: Element) -> Node:
    """Return a description as it will be read, in which each value has its place in the system file.

    Args:
        drafts: Its tables.
        head: What `[system]` says.
        root: The system file's root, which stands for all that is said of the whole.
    """
    system = Node({name: _located(value, root, name) for name, value in head.items()}, root.where)
    return Node({"system": system, **_tables(drafts, root)}, root.where)


def _tables(drafts: tuple[Draft, ...], around: Element) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for draft in drafts:
        keys = {name: _located(value, draft.element, name) for name, value in draft.keys.items()}
        node = Node({**keys, **_tables(draft.inside, draft.element)}, draft.element.where)
        if draft.key in SINGLE:
            found[draft.key] = node
        else:
            found.setdefault(draft.key, Node([], around.where)).value.append(node)
    return found


def _located(value: Any, element: Element, name: str) -> Node:  # noqa: ANN401 - see _value
    where = element.at(name)
    return Node([Node(item, where) for item in value] if isinstance(value, list) else value, where)
