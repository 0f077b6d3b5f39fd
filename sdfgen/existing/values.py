"""Attributes of a system file, read as the Microkit tool reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.facts.grammar import DECIMAL, FLAG, NATURAL, NUMBER
from sdfgen.units import U64_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

_HEXADECIMAL = re.compile(r"0x\+?([0-9A-Fa-f]+)")
_DECIMAL = re.compile(r"\+?([0-9]+)")
_SIGNED = re.compile(r"[+-]?[0-9]+")
_MOST_DIGITS = 40
I64_MAX = U64_MAX >> 1


def number(text: str) -> int | None:
    """Return a number that may be hexadecimal and hold underscores; None for what is none, or too large."""
    bare = text.replace("_", "")
    if len(bare) > _MOST_DIGITS:
        return None
    hexadecimal, decimal = _HEXADECIMAL.fullmatch(bare), _DECIMAL.fullmatch(bare)
    value = int(hexadecimal[1], 16) if hexadecimal else int(decimal[1]) if decimal else U64_MAX + 1
    return value if value <= U64_MAX else None


def decimal(text: str) -> int | None:
    """Return a decimal number with a sign; None for what is none."""
    if len(text) > _MOST_DIGITS or not _SIGNED.fullmatch(text):
        return None
    value = int(text)
    return value if -I64_MAX - 1 <= value <= I64_MAX else None


def natural(text: str) -> int | None:
    """Return a decimal number; None for what is none."""
    if len(text) > _MOST_DIGITS or not _DECIMAL.fullmatch(text):
        return None
    return int(text) if int(text) <= U64_MAX else None


def flag(text: str) -> bool | None:
    """Return true or false; None for anything else."""
    return {"true": True, "false": False}.get(text)


READERS: dict[str, tuple[Callable[[str], int | bool | None], str]] = {
    NUMBER: (number, "a number such as 0x1000 or 4_096"),
    DECIMAL: (decimal, "a decimal number"),
    NATURAL: (natural, "a decimal number"),
    FLAG: (flag, "true or false"),
}
"""What reads a kind of value, and what that is in words; all others are text."""
