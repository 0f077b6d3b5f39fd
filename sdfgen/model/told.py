"""What made files must say, as their readers expect it: plain values of the system, and where each comes from.

Structures are dictionaries by member, tables are lists, pointers to text are text, pointers to nothing are None.

Annotations are evaluated here on purpose: as text, each of them is compiled at every start.
"""

from typing import Any

from sdfgen.model.microkit import Origin
from sdfgen.records import NamedTuple


class From(NamedTuple):
    """A value with the place in the description that decides it: `key` of `origin`."""

    value: Any
    origin: Origin
    key: str


class To(NamedTuple):
    """A pointer to a variable.

    Attributes:
        symbol: The variable.
        content: What it must hold; None when that is not for the table to say.
    """

    symbol: str
    content: Any = None


class NodeAt(NamedTuple):
    """A cell of a device tree that refers to the node of a path."""

    path: str


class Field(NamedTuple):
    """A number in a binary file.

    Attributes:
        name: What it is.
        offset_bytes: Where it is.
        form: How it is written, as Python's `struct` has it.
        value: The number, with where it comes from, or bytes.
    """

    name: str
    offset_bytes: int
    form: str
    value: Any


def plain(value: Any) -> tuple[Any, tuple[Origin, str] | None]:  # noqa: ANN401 - values are of any type
    """Return a value without the place that it comes from, and that place.

    Args:
        value: The value.
    """
    return (value.value, (value.origin, value.key)) if isinstance(value, From) else (value, None)
