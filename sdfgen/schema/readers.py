"""What reads single values of a description, documents and types them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sdfgen.faults.fault import Fault, Faults, suggestion
from sdfgen.units import PAGE_BYTES, U32_MAX, U64_MAX, parse_rate, parse_size, parse_time

if TYPE_CHECKING:
    from typing import TypeGuard

    from sdfgen.read.toml import Node


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
        faults.add(Fault("SDF003", f"{_shown(node)} is not {self.says}", node.where, self.advice(node)))
        return self.harmless

    def advice(self, node: Node) -> str:  # noqa: ARG002 - readers that know better look at it
        """Return what to do about a value that this reader does not want; nothing where `says` tells all."""
        return ""


def _shown(node: Node) -> str:
    if isinstance(node.value, dict):
        return "a table"
    if isinstance(node.value, list):
        return "a list"
    if isinstance(node.value, bool):
        return str(node.value).lower()
    text = repr(node.value) if isinstance(node.value, (str, float)) else _number(node.value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - what fits a line


_NO_LETTERS = (
    (re.compile("[\0-\x1f]"), "control characters", "write it on one line"),
    (re.compile("[\ud800-\udfff\ufffe\uffff]"), "characters that no system file can hold", "leave them out"),
)
"""What no text may have, what it is called, and what to do; bytes of the command line may be no UTF-8."""


def _is_whole(value: object) -> TypeGuard[int]:
    """Tell numbers from booleans, which Python takes for numbers, and from all else."""
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> str:
    return hex(value) if isinstance(value, int) and abs(value) > U64_MAX else str(value)


class Text(Reader):
    """A non-empty string."""

    says = "a non-empty string"
    harmless = "?"
    examples: tuple[str, ...] = ()

    def read(self, node: Node, faults: Faults) -> str:
        """Return the string."""
        value = node.value
        for letter, what, advice in _NO_LETTERS if isinstance(value, str) else ():
            if letter.search(value):
                faults.add(Fault("SDF003", f"{_shown(node)} has {what}", node.where, advice))
                return str(self.harmless)
        return str(value if isinstance(value, str) and value else self.refuse(node, faults))

    def advice(self, node: Node) -> str:
        """Tell of quotes that are missing, and of text that is."""
        if node.value == "":
            return "write some text; a key that says nothing is left out"
        return "" if isinstance(node.value, (dict, list)) else f'write it in quotes: "{_shown(node)}"'

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        examples = {"examples": list(self.examples)} if self.examples else {}
        return {"type": "string", "minLength": 1, "pattern": "^[^\\u0000-\\u001f]*$", **examples}


class Name(Text):
    """A name of the system; its spelling is a rule of the system, not of the file."""

    says = 'a name such as "client1"'
    examples = ("client1",)


_FLAGS = {**dict.fromkeys(("true", "yes", "on", "1"), "true"), **dict.fromkeys(("false", "no", "off", "0"), "false")}
"""What people write for true and false."""


class Flag(Reader):
    """True or false."""

    says = "true or false"
    harmless = False

    def read(self, node: Node, faults: Faults) -> bool:
        """Return the boolean."""
        return bool(node.value if isinstance(node.value, bool) else self.refuse(node, faults))

    def advice(self, node: Node) -> str:
        """Tell what other words for it are here."""
        return f"write {_FLAGS[word]}" if (word := str(node.value).lower()) in _FLAGS else ""

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
        return value if _is_whole(value) and self.low <= value <= self.high else int(self.refuse(node, faults))

    def advice(self, node: Node) -> str:
        """Tell of quotes and fractions that are too much."""
        return without_quotes(node.value)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        bounds = {"minimum": self.low, "maximum": self.high} if self._bounded else {}
        return {"type": "integer", **bounds}


def without_quotes(value: object) -> str:
    """Return the advice to write a number as a number, if it is one.

    Args:
        value: What is written.
    """
    if isinstance(value, float) and value.is_integer():
        return f"write {int(value)}"
    is_number = isinstance(value, str) and re.fullmatch(r"0x[0-9a-fA-F]+|[1-9][0-9]*|0", value)
    return f"write it without quotes: {value}" if is_number else ""


_NUMBER = r"(0x[0-9a-fA-F_]+|[0-9][0-9_]*)"
_OTHER_UNIT = re.compile(r"\s*([0-9][0-9_]*)\s*([kmgt])i?(?:b|bytes?)?\s*", re.IGNORECASE)
_UNITS = r"\s*(B|KiB|MiB|GiB|TiB)?\s*"
"""Of texts, as JSON Schemas have them; `sdfgen.units` reads them."""


class _Quantity(Reader):
    """A whole number of a unit, as a number or as text with a unit."""

    low, high = 0, U64_MAX
    pattern = ""
    """What a text must match, for editors: reading refuses more."""
    examples: tuple[int | str, ...] = ()
    of_number = 1
    """How many there are in what a number without a unit counts."""

    def parse(self, text: str) -> int | None:
        """Return the number that a text tells, or None."""
        raise NotImplementedError

    def read(self, node: Node, faults: Faults) -> int:
        """Return the number."""
        value = node.value
        if isinstance(value, str):
            value = self.parse(value)
        elif _is_whole(value):
            value *= self.of_number
        return value if _is_whole(value) and self.low <= value <= self.high else int(self.refuse(node, faults))

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        number = {"type": "integer", "minimum": -(-self.low // self.of_number), "maximum": self.high // self.of_number}
        text = {"type": "string", "pattern": f"^{self.pattern}$"}
        return {"anyOf": [number, text], "examples": list(self.examples)}


class Size(_Quantity):
    """A number of bytes, as a number or as text with a unit."""

    says = 'a size such as "2 MiB", "64 KiB" or 0x1000'
    harmless = 0x1000
    pattern = rf"\s*{_NUMBER}{_UNITS}"
    examples: tuple[int | str, ...] = ("2 MiB", "64 KiB", 0x1000)

    def parse(self, text: str) -> int | None:
        """Return the bytes."""
        return parse_size(text)

    def advice(self, node: Node) -> str:
        """Tell how a size is written that has a unit of another spelling."""
        match = _OTHER_UNIT.fullmatch(node.value) if isinstance(node.value, str) else None
        meant = f"{match[1]} {match[2].upper()}iB" if match else ""
        return f'write "{meant}"' if meant and parse_size(meant) is not None and meant != node.value else ""


class Pages(Size):
    """A size of whole pages, at least one."""

    says = 'a size of whole pages such as "4 KiB" or "2 MiB"'

    def read(self, node: Node, faults: Faults) -> int:
        """Return the size in bytes."""
        value = super().read(node, faults)
        return value if value and value % PAGE_BYTES == 0 else int(self.refuse(node, faults))


class Time(_Quantity):
    """A time in milliseconds: in seconds as a number, or as text with a unit."""

    says = 'a time such as "30 s", "500 ms" or 30, in seconds'
    harmless = 0
    high = U32_MAX
    of_number = 1000
    pattern = r"\s*[0-9][0-9_]*\s*(s|ms)?\s*"
    examples = ("30 s", "500 ms", 30)

    def parse(self, text: str) -> int | None:
        """Return the milliseconds."""
        return parse_time(text)


class Rate(_Quantity):
    """A number of bytes a second, as a number or as text with a unit, of which some are too few."""

    pattern = rf"\s*{_NUMBER}{_UNITS}/\s*s\s*"
    examples = ("20 MiB/s", 20 * 2**20)

    def __init__(self, low: int) -> None:
        self.low, self.harmless = low, low
        self.says = f'a rate of at least {low} bytes a second, such as "20 MiB/s" or 20_971_520'

    def parse(self, text: str) -> int | None:
        """Return the bytes a second."""
        return parse_rate(text)


class Address(Size):
    """An address, as a number or as text."""

    says = "an address such as 0x4000_0000"
    examples = (0x4000_0000, "0x4000_0000")


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

    says = "a number or an expression such as \"phys_addr('block_virt_data') + 0x1000\""
    harmless = 0

    def read(self, node: Node, faults: Faults) -> int | str:
        """Return the number or the text of the expression."""
        value = node.value
        if isinstance(value, str) and value:
            return value
        if _is_whole(value) and abs(value) <= U64_MAX:
            return value
        return int(self.refuse(node, faults))

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        number = {"type": "integer", "minimum": -U64_MAX, "maximum": U64_MAX}
        return {
            "anyOf": [number, {"type": "string", "minLength": 1}],
            "examples": ["phys_addr('block_virt_data') + 0x1000"],
        }


class OneOrMore(Reader):
    """A value of one kind, or a list of these.

    Attributes:
        one: What reads one of them.
        kinds: Of what type one is; anything else is refused as what is neither one nor a list.
    """

    one: Reader
    kinds: tuple[type, ...]
    harmless = 0

    def read(self, node: Node, faults: Faults) -> Any:  # noqa: ANN401 - whatever `one` reads
        """Return the value, or all of them."""
        if isinstance(node.value, list):
            return tuple(self.one.read(item, faults) for item in node.value)
        return self.one.read(node, faults) if isinstance(node.value, self.kinds) else self.refuse(node, faults)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"anyOf": [self.one.schema(), {"type": "array", "items": self.one.schema()}]}


class Expressions(OneOrMore):
    """A number or an expression, or a list of these."""

    says = f"{Expression.says}, or a list of these"
    one = Expression()
    kinds = (str, int)


class Numbers(OneOrMore):
    """A whole number, or a list of these."""

    says = f"{Number.says}, or a list of these"
    one = Number()
    kinds = (int,)


class ListOf(Reader):
    """A list of values of one kind.

    Attributes:
        keeps_broken: An item that was wrong stays, as what stands in for it.
    """

    keeps_broken = False

    def __init__(self, item: Reader) -> None:
        self.item = item
        self.harmless = ()
        self.says = f"a list, each {item.says}"

    def read(self, node: Node, faults: Faults) -> tuple[Any, ...]:
        """Return the values."""
        if not isinstance(node.value, list):
            return tuple(self.refuse(node, faults))
        values: list[Any] = []
        for item in node.value:
            before = len(faults)
            value = self.item.read(item, faults)
            if len(faults) == before or (self.keeps_broken and value is not None):
                values.append(value)
        return tuple(values)

    def advice(self, node: Node) -> str:
        """Tell how a list of one is written."""
        if isinstance(node.value, dict):
            return ""
        return f'write ["{node.value}"]' if isinstance(node.value, str) else f"write [{_shown(node)}]"

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema."""
        return {"type": "array", "items": self.item.schema()}
