"""Tables of a description declared as classes; the same declaration reads, documents and types them.

A class body lists its keys with `key(reader, doc)`. Reading collects every fault instead of
stopping at the first, and puts a harmless value where one was wrong, so that the rest can
still be checked. dataclasses would add half a millisecond per class to every start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, dataclass_transform

from sdfgen.faults import Fault, Faults, suggestion
from sdfgen.units import PAGE_BYTES, U64_MAX, parse_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sdfgen.source import Node, Where

REQUIRED = object()
"""Marks a key without a default."""


class Reader:
    """Reads one kind of value.

    Attributes:
        says: The kind in words, for the reference and for messages.
        harmless: What stands in for a value that was wrong.
    """

    says = "a value"
    harmless: Any = None

    def read(self, node: Node, faults: Faults) -> Any:  # noqa: ANN401 - each reader has its own type
        """Return the value of `node`, or `harmless` after adding a fault."""
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of what `read` accepts."""
        return {}

    def refuse(self, node: Node, faults: Faults) -> Any:  # noqa: ANN401 - see read
        """Add the fault that `node` is not what this reader wants."""
        faults.add(Fault("SDF003", f"{_shown(node)} is not {self.says}", node.where))
        return self.harmless


def _shown(node: Node) -> str:
    if isinstance(node.value, dict):
        return "a table"
    if isinstance(node.value, list):
        return "a list"
    if isinstance(node.value, bool):
        return str(node.value).lower()
    text = repr(node.value) if isinstance(node.value, (str, float)) else _number(node.value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - what fits a line


def _number(value: object) -> str:
    return hex(value) if isinstance(value, int) and abs(value) > U64_MAX else str(value)


class Text(Reader):
    """A non-empty string."""

    says = "a non-empty string"
    harmless = "?"

    def read(self, node: Node, faults: Faults) -> str:
        """Return the string."""
        value = node.value
        good = isinstance(value, str) and value and not any(ord(c) < 32 for c in value)  # noqa: PLR2004 - control characters
        return str(value if good else self.refuse(node, faults))

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"type": "string", "minLength": 1}


class Name(Text):
    """A name of the system; its spelling is a rule of the system, not of the file."""

    says = 'a name such as "client1"'


class Flag(Reader):
    """True or false."""

    says = "true or false"
    harmless = False

    def read(self, node: Node, faults: Faults) -> bool:
        """Return the boolean."""
        return bool(node.value if isinstance(node.value, bool) else self.refuse(node, faults))

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"type": "boolean"}


class Number(Reader):
    """A whole number; booleans and fractions are refused."""

    says = "a whole number"
    harmless = 0

    def __init__(self, low: int = -U64_MAX, high: int = U64_MAX) -> None:
        self.low, self.high = low, high
        if self._bounded:
            self.says, self.harmless = f"a whole number from {low} to {high}", low

    @property
    def _bounded(self) -> bool:
        return (self.low, self.high) != (-U64_MAX, U64_MAX)

    def read(self, node: Node, faults: Faults) -> int:
        """Return the number."""
        value = node.value
        if isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high:
            return value
        return int(self.refuse(node, faults))

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        bounds = {"minimum": self.low, "maximum": self.high} if self._bounded else {}
        return {"type": "integer", **bounds}


class Size(Reader):
    """A number of bytes, as a number or as text with a unit."""

    says = 'a size such as "2 MiB", "64 KiB" or 0x1000'
    harmless = 0x1000

    def read(self, node: Node, faults: Faults) -> int:
        """Return the size in bytes."""
        value = parse_size(node.value) if isinstance(node.value, str) else node.value
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= U64_MAX:
            return value
        return int(self.refuse(node, faults))

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"type": ["integer", "string"]}


class Pages(Size):
    """A size of whole pages, at least one."""

    says = 'a size of whole pages such as "4 KiB" or "2 MiB"'

    def read(self, node: Node, faults: Faults) -> int:
        """Return the size in bytes."""
        value = super().read(node, faults)
        return value if value and value % PAGE_BYTES == 0 else int(self.refuse(node, faults))


class Address(Size):
    """An address, as a number or as text."""

    says = "an address such as 0x4000_0000"


class Choice(Reader):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.harmless = words[0]
        self.says = "one of " + ", ".join(f'"{word}"' for word in words)

    def read(self, node: Node, faults: Faults) -> str:
        """Return the word."""
        if isinstance(node.value, str) and node.value in self.words:
            return node.value
        if isinstance(node.value, str):
            near = suggestion(node.value, self.words)
            faults.add(Fault("SDF003", f"{_shown(node)} is not {self.says}{near}", node.where))
            return str(self.harmless)
        return str(self.refuse(node, faults))

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"enum": list(self.words)}


class Expression(Reader):
    """A number, or an expression over the system."""

    says = "a number or an expression such as \"phys_addr('blk_virt_data') + 0x1000\""
    harmless = 0

    def read(self, node: Node, faults: Faults) -> int | str:
        """Return the number or the text of the expression."""
        value = node.value
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= U64_MAX:
            return value
        return int(self.refuse(node, faults))

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"type": ["integer", "string"]}


class ListOf(Reader):
    """A list of values of one kind."""

    def __init__(self, item: Reader) -> None:
        self.item = item
        self.harmless = ()
        self.says = f"a list, each {item.says}"

    def read(self, node: Node, faults: Faults) -> tuple[Any, ...]:
        """Return the values."""
        if not isinstance(node.value, list):
            return tuple(self.refuse(node, faults))
        values = []
        for item in node.value:
            before = len(faults)
            value = self.item.read(item, faults)
            if len(faults) == before or isinstance(value, Table):  # a broken scalar has been told of: it is left out
                values.append(value)
        return tuple(values)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"type": "array", "items": self.item.schema()}


class One(Reader):
    """A table."""

    says = "a table"

    def __init__(self, table: type[Table]) -> None:
        self.table = table

    def read(self, node: Node, faults: Faults) -> Table | None:
        """Return the table, or None when the value is something else."""
        return self.table.read(node, faults) if isinstance(node.value, dict) else self.refuse(node, faults)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"$ref": f"#/$defs/{self.table.__name__}"}


class Many(ListOf):
    """An array of tables; an element that is no table is left out."""

    def __init__(self, table: type[Table] | None, *, least: int = 0) -> None:
        super().__init__(Reader() if table is None else One(table))
        self.least = least
        self.says = f"an array of at least {least} tables" if least else "an array of tables"

    def read(self, node: Node, faults: Faults) -> tuple[Table, ...]:
        """Return the tables."""
        tables = super().read(node, faults)
        return tables if len(tables) >= self.least or not isinstance(node.value, list) else self._too_few(node, faults)

    def _too_few(self, node: Node, faults: Faults) -> tuple[Table, ...]:
        faults.add(Fault("SDF003", f"a list of {len(node.value)} is not {self.says}", node.where))
        return ()

    def tie(self, table: type[Table]) -> None:
        """Let a table that holds itself (`Many(None)`) know which one it is."""
        if not isinstance(self.item, One):
            self.item = One(table)


class Key(NamedTuple):
    """One key of a table: how to read it, what it means, and what it is when left out."""

    reader: Reader
    doc: str
    default: Any
    default_doc: str


def key(reader: Reader, doc: str, *, default: Any = REQUIRED, default_doc: str = "") -> Any:  # noqa: ANN401 - a field specifier
    """Declare a key of a `Table`.

    Args:
        reader: What values it takes.
        doc: One or two sentences for the reference.
        default: Its value when left out; without one the key is required.
        default_doc: What the default means, when the value does not say it.
    """
    return Key(reader, doc, default, default_doc)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(key,))
class Table:
    """Base of all tables; instances are read-only."""

    keys: ClassVar[Mapping[str, Key]] = {}
    foreign: ClassVar[Mapping[str, str]] = {}
    """Keys that Microkit knows for other architectures, each with the reason why not here."""

    def __init_subclass__(cls) -> None:
        """Collect the keys that the class body declares."""
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Key)}
        cls.keys = {**cls.keys, **own}
        for wanted in own.values():
            if isinstance(wanted.reader, Many):
                wanted.reader.tie(cls)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} is read-only")

    @classmethod
    def read(cls, node: Node, faults: Faults) -> Self:
        """Read a table; unknown, missing and malformed keys become faults."""
        given: dict[str, Node] = node.value
        values = {name: _read_key(cls, name, given, node, faults) for name in cls.keys}
        for name in given.keys() - cls.keys.keys():
            faults.add(cls._unknown(name, given[name]))
        table = cls.__new__(cls)
        vars(table).update(values, where=node.where, wheres={name: item.where for name, item in given.items()})
        return table

    @classmethod
    def _unknown(cls, name: str, node: Node) -> Fault:
        if name in cls.foreign:
            message = f"`{name}` {cls.foreign[name]}"
            return Fault("SDF009", message, node.where.of_key(), "leave it out: the boards here are AArch64")
        near = suggestion(name, cls.keys)
        known = ", ".join(f"`{known}`" for known in sorted(cls.keys))
        return Fault("SDF004", f"unknown key `{name}`{near}", node.where.of_key(), f"known here: {known}")

    @property
    def where(self) -> Where:
        """The place of the table."""
        where: Where = vars(self)["where"]
        return where

    def at(self, name: str) -> Where:
        """Return the place of a key's value, or of the table when the key was left out."""
        wheres: dict[str, Where] = vars(self)["wheres"]
        return wheres.get(name, self.where)

    def given(self, name: str) -> bool:
        """Tell whether the author wrote this key."""
        return name in vars(self)["wheres"]


def _read_key(table: type[Table], name: str, given: dict[str, Node], node: Node, faults: Faults) -> Any:  # noqa: ANN401 - see Reader.read
    wanted = table.keys[name]
    if name in given:
        before = len(faults)
        value = wanted.reader.read(given[name], faults)
        broken_scalar = len(faults) > before and not isinstance(wanted.reader, (One, ListOf))
        return wanted.default if broken_scalar and wanted.default is not REQUIRED else value
    if wanted.default is not REQUIRED:
        return wanted.default
    where = f" in `{node.where.text}`" if node.where.text else ""
    faults.add(
        Fault(
            "SDF005",
            f"key `{name}` is missing{where}",
            node.where.of_key(),
            f"add `{name}`: {wanted.reader.says}",
        )
    )
    return wanted.reader.harmless
