"""C initialisers from Python values: the keys are the names of the C members."""

from __future__ import annotations

from sdfgen.records import NamedTuple

INDENT = "    "
LINE = 110


class Hex(int):
    """A number that is written in hexadecimal: an address or a size."""


class Ref(NamedTuple):
    """A C expression, written as it stands."""

    text: str


def initialiser(value: object, indent: str = "", lead: int = 0) -> str:
    """Return a value as a C initialiser, short tables on one line.

    Args:
        value: The value.
        indent: Of the line that it begins on.
        lead: Characters that stand before it on that line.
    """
    if isinstance(value, dict):
        inner = indent + INDENT
        parts = [f".{name} = {initialiser(member, inner)}" for name, member in value.items()]
        return _braces(parts, indent, lead)
    if isinstance(value, list):
        inner = indent + INDENT
        return _braces([initialiser(member, inner) for member in value], indent, lead)
    return _scalar(value)


def _braces(parts: list[str], indent: str, lead: int) -> str:
    flat = "{ " + ", ".join(parts) + " }"
    if len(indent) + lead + len(flat) <= LINE and "{" not in flat[1:]:
        return flat
    inner = indent + INDENT
    return "{\n" + "".join(f"{inner}{part},\n" for part in parts) + indent + "}"


def _scalar(value: object) -> str:
    if isinstance(value, Ref):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Hex):
        return f"0x{int(value):x}"
    if isinstance(value, str):
        return '"' + "".join(_escaped(c) for c in value) + '"'
    return str(value)


def _escaped(char: str) -> str:
    if char in '"\\?':
        return "\\" + char
    return char if " " <= char <= "~" else "".join(f"\\{byte:03o}" for byte in char.encode())
