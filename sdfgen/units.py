"""Sizes such as `"2 MiB"` and addresses such as `"0x4000_0000"`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE_BYTES = 0x1000
LARGE_PAGE_BYTES = 0x20_0000
U64_MAX = 2**64 - 1

U32_MAX = 2**32 - 1

_FACTORS = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_MILLISECONDS = {"": 1000, "s": 1000, "ms": 1}
_SIZE = re.compile(r"\s*(0x[0-9a-fA-F_]+|[0-9][0-9_]*)\s*([A-Za-z]*)\s*")


def parse_size(text: str) -> int | None:
    """Return the number of bytes of `"2 MiB"`, `"0x1000"` or `"4096"`; None when it is no size."""
    match = _SIZE.fullmatch(text)
    if not match or match[2] not in _FACTORS or len(text) > 40:  # noqa: PLR2004 - longer than any u64
        return None
    try:
        return int(match[1], 0 if match[1].startswith("0x") else 10) * _FACTORS[match[2]]
    except ValueError:
        return None


def parse_time(text: str) -> int | None:
    """Return the milliseconds of `"30 s"`, `"500 ms"` or `"30"`, which is seconds; None when it is no time."""
    match = _SIZE.fullmatch(text)
    if not match or match[2] not in _MILLISECONDS or not match[1].isdecimal() or len(text) > 40:  # noqa: PLR2004 - likewise
        return None
    return int(match[1]) * _MILLISECONDS[match[2]]


def parse_rate(text: str) -> int | None:
    """Return the bytes a second of `"20 MiB/s"`; None when it is no rate."""
    size, slash, second = text.rpartition("/")
    return parse_size(size) if slash and second.strip() == "s" else None


def size_text(size_bytes: int) -> str:
    """Return a size as a person writes it, exact: `2 MiB`, `4097 B`."""
    for unit in ("GiB", "MiB", "KiB"):
        if size_bytes and size_bytes % _FACTORS[unit] == 0:
            return f"{size_bytes // _FACTORS[unit]} {unit}"
    return f"{size_bytes} B"


def round_up(value: int, alignment: int) -> int:
    """Return the smallest multiple of `alignment` that is not below `value`."""
    return -(-value // alignment) * alignment


def range_text(start: int, size_bytes: int) -> str:
    """Return the half-open range [start, start + size_bytes) in hexadecimal."""
    return f"{start:#x}..{start + size_bytes:#x}"


def ranges_text(ranges: Iterable[tuple[int, int]]) -> str:
    """Return half-open ranges, start and end each, as `range_text` has them, with commas between."""
    return ", ".join(range_text(start, end - start) for start, end in ranges)


def joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return half-open ranges, start and end each, in ascending order, those that touch or overlap as one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found
