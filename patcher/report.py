"""What is told of a patch: as text for people, as rows for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from patcher.encoding import shown
from patcher.errors import BLAMED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patcher.errors import PatchError
    from patcher.values import PatchRecord, PatchWarning

_HEADINGS: Final = ("symbol", "vaddr", "file offset", "old", "new")
_SHOWN_CHARACTERS: Final = 40


def record_rows(records: Iterable[PatchRecord]) -> list[dict[str, Any]]:
    """Return what was done, for JSON."""
    return [
        {
            "symbol": record.symbol,
            "size_bytes": len(record.new),
            "vaddr": f"{record.vaddr:#x}",
            "file_offset": f"{record.file_offset:#x}",
            "old": shown(record.old, record.value),
            "new": shown(record.new, record.value),
        }
        for record in records
    ]


def warnings_of(records: Iterable[PatchRecord]) -> list[PatchWarning]:
    """Return the warnings of all records."""
    return [warning for record in records for warning in record.warnings]


def warning_rows(records: Iterable[PatchRecord]) -> list[dict[str, Any]]:
    """Return the warnings of all records, for JSON."""
    return [warning._asdict() for warning in warnings_of(records)]


def fault_rows(error: PatchError) -> list[dict[str, Any]]:
    """Return faults, for JSON."""
    names = ("code", "blame", "message", "path", "symbol")
    return [{name: getattr(fault, name) for name in names} for fault in error.faults]


def fault_lines(error: PatchError) -> list[str]:
    """Return faults as text, those together that the same is to blame for."""
    lines = []
    for blame, words in BLAMED.items():
        faults = [str(fault) for fault in error.faults if fault.blame == blame]
        lines += [f"at fault is {words}:", *faults] if faults else []
    return lines


def table(records: Sequence[PatchRecord]) -> str:
    """Return what was done as a table for people; long arrays and texts are cut."""
    rows: list[tuple[str, ...]] = [_HEADINGS]
    rows += [
        (
            one.symbol,
            f"{one.vaddr:#x}",
            f"{one.file_offset:#x}",
            *(_cut(shown(v, one.value)) for v in (one.old, one.new)),
        )
        for one in records
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
