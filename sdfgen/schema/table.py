"""Tables of a description declared as classes; the same declaration reads, documents and types them.

A class body lists its keys with `key(reader, doc)`. Reading collects every fault instead of
stopping at the first, and puts a harmless value where one was wrong, so that the rest can
still be checked. dataclasses would add half a millisecond per class to every start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

from sdfgen.faults.fault import Fault, Faults, nearest, suggestion
from sdfgen.records import NamedTuple
from sdfgen.schema.readers import ListOf, Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sdfgen.faults.source import Where
    from sdfgen.read.toml import Node

REQUIRED = object()
"""Marks a key without a default."""


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

    keeps_broken = True

    def __init__(self, table: type[Table] | None, *, least: int = 0) -> None:
        super().__init__(Reader() if table is None else One(table))
        self.least = least
        self.says = f"an array of at least {least} tables" if least else "an array of tables"

    def read(self, node: Node, faults: Faults) -> tuple[Table, ...]:
        """Return the tables."""
        if isinstance(node.value, dict):
            keys = ".".join(str(step) for step in node.where.path if not isinstance(step, int))
            advice = f"write [[{keys}]], or put it into a list, [{{ … }}]"
            faults.add(Fault("SDF003", f"a table is not {self.says}", node.where, advice))
            return ()
        tables = super().read(node, faults)
        return tables if len(tables) >= self.least or not isinstance(node.value, list) else self._too_few(node, faults)

    def advice(self, node: Node) -> str:  # noqa: ARG002 - the same for all
        """Tell how tables are written."""
        return "put tables into it: [{ … }]"

    def _too_few(self, node: Node, faults: Faults) -> tuple[Table, ...]:
        faults.add(Fault("SDF003", f"a list of {len(node.value)} is not {self.says}", node.where))
        return ()

    def tie(self, table: type[Table]) -> None:
        """Let a table that holds itself (`Many(None)`) know which one it is."""
        if not isinstance(self.item, One):
            self.item = One(table)


class OneOrMany(Many):
    """A table, or an array of tables; both give a tuple."""

    def __init__(self, table: type[Table]) -> None:
        super().__init__(table)
        self.says = "a table or an array of tables"

    def read(self, node: Node, faults: Faults) -> tuple[Table, ...]:
        """Return the tables."""
        if isinstance(node.value, dict):
            return (self.item.read(node, faults),)
        return super().read(node, faults)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"anyOf": [self.item.schema(), super().schema()]}


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
    written_as: ClassVar[Mapping[str, str]] = {}
    """Properties of what is made of a table, each with the key that says it."""

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
        unknown = given.keys() - cls.keys.keys()
        misspelt = {nearest(name, cls.keys) for name in unknown}
        values = {name: _read_key(cls, name, given, node, faults, told=name in misspelt) for name in cls.keys}
        for name in unknown:
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

    def of(self, name: str) -> Any:  # noqa: ANN401 - each key has its own type
        """Return the value of a key that a subsystem added.

        Args:
            name: The key.
        """
        return vars(self)[name]

    @property
    def where(self) -> Where:
        """The place of the table."""
        where: Where = vars(self)["where"]
        return where

    def at(self, name: str) -> Where:
        """Return the place of a key's value, or of the table when the key was left out."""
        wheres: dict[str, Where] = vars(self)["wheres"]
        return wheres.get(self.written_as.get(name, name), self.where)

    def given(self, name: str) -> bool:
        """Tell whether the author wrote this key."""
        return self.written_as.get(name, name) in vars(self)["wheres"]

    @classmethod
    def empty(cls, where: Where, faults: Faults) -> Self:
        """Return the table as if it stood at a place without any key.

        Args:
            where: The place.
            faults: Takes the keys that it can't do without.
        """
        from sdfgen.read.toml import Node

        return cls.read(Node({}, where), faults)

    @classmethod
    def with_keys(cls, keys: Mapping[str, Key], **more: object) -> type[Self]:
        """Return this kind of table with more keys.

        Args:
            keys: The keys that others add to it.
            more: Keys of its own to declare anew, such as one that holds this kind itself.
        """
        return type(cls.__name__, (cls,), {"__doc__": cls.__doc__, **more, **keys})


def _read_key(table: type[Table], name: str, given: dict[str, Node], node: Node, faults: Faults, *, told: bool) -> Any:  # noqa: ANN401 - see Reader.read
    """Return the value of a key; one that is missing is a fault, unless a misspelt one is told that may be it."""
    wanted = table.keys[name]
    if name in given:
        before = len(faults)
        value = wanted.reader.read(given[name], faults)
        broken_scalar = len(faults) > before and not isinstance(wanted.reader, (One, ListOf))
        return wanted.default if broken_scalar and wanted.default is not REQUIRED else value
    if wanted.default is not REQUIRED:
        return wanted.default
    if told:
        return wanted.reader.harmless
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
