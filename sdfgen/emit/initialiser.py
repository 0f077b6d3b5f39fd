"""C initialisers from Python values: the keys are the names of the C members."""

from __future__ import annotations

from typing import NamedTuple

INDENT = "    "
LINE = 110


class Hex(int):
    """A number that is written in hexadecimal: an address or a size."""


class Ref(NamedTuple):
    """A C expression, written as it stands."""

    text: str


def initialiser(value: object, indent: str = "") -> str:
    """Return a value as a C initialiser, short tables on one line."""
    if isinstance(value, dict):
        return _braces([f".{name} = {{}}" for name in value], list(value.values()), indent)
    if isinstance(value, (list, tuple)) and not isinstance(value, Ref):
        return _braces(["{}"] * len(value), list(value), indent)
    return _scalar(value)


def _braces(forms: list[str], values: list[object], indent: str) -> str:
    inner = indent + INDENT
    flat = "{ " + ", ".join(f.format(initialiser(v, inner)) for f, v in zip(forms, values, strict=True)) + " }"
    nested = any(isinstance(v, (dict, list)) for v in values)
    if not nested and len(indent) + len(flat) <= LINE:
        return flat
    lines = [f"{inner}{f.format(initialiser(v, inner))},\n" for f, v in zip(forms, values, strict=True)]
    return "{\n" + "".join(lines) + indent + "}"


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
