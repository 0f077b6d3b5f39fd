"""The text of a description: TOML as a person would write it, with the comments of the system file."""

from __future__ import annotations

import json
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sdfgen.emit.sdf.system_file import NOTICE
from sdfgen.importing.draft import SINGLE, Draft, Written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sdfgen.read.element import Element

_INDENT = "    "
_LINE = 120
_SHORT = 2
"""As many tables stand on one line, where they fit."""
_MARKER = "CONTENT MARKER"
"""What generators such as HAMR write around what is not theirs."""
_ROWS = ("map", "irq", "setvar", "cap", "vcpu", "ends", "schedule")
"""Tables that are rows of an array; all others have a header."""


def text_of(drafts: Sequence[Draft], head: Mapping[str, Any], root: Element, remark: str) -> str:
    """Return the text of a description.

    Args:
        drafts: Its tables.
        head: What `[system]` says.
        root: The system file's root, whose comments stand first and last.
        remark: What to say behind `boards`; empty for nothing.
    """
    first = [text for text in root.comments.before if NOTICE not in text]
    lines = list(_comments(first, ""))
    lines += [*([""] if lines else []), "[system]"]
    for name, value in head.items():
        said = f"  # {remark}" if remark and name == "boards" else ""
        lines.append(f"{name} = {_written(value)}{said}")
    for draft in drafts:
        lines += ["", *_table(draft, ())]
    last = list(_comments([*root.comments.beside, *root.comments.end], ""))
    return "\n".join([*lines, *([""] if last else []), *last, ""])


def _table(draft: Draft, around: tuple[str, ...]) -> Iterator[str]:
    """Yield the lines of a table with a header, and of the tables in it."""
    path = (*around, draft.key)
    name = ".".join(path)
    yield from _comments((*draft.before, *draft.beside), "")
    yield f"[{name}]" if draft.key in SINGLE else f"[[{name}]]"
    for key, value in draft.keys.items():
        yield from _comments(draft.above.get(key, ()), "")
        yield f"{key} = {_written(value)}"
    in_rows = () if _marked(draft) else _ROWS
    rows = [one for one in draft.inside if one.key in in_rows]
    for key in dict.fromkeys(one.key for one in rows):
        yield from _array(key, [one for one in rows if one.key == key])
    for one in draft.inside:
        if one.key not in in_rows:
            yield ""
            yield from _table(one, path)
    yield from _comments(draft.end, "")


def _marked(draft: Draft) -> bool:
    """Tell whether something stands between markers that arrays would tear apart: then all keeps the file's order."""
    keys = [one.key for one in draft.inside]
    changes = sum(one != other for one, other in pairwise(keys))
    marked = any(_MARKER in text for one in draft.inside for text in one.before)
    return marked and changes >= len(set(keys))


def _array(key: str, rows: list[Draft]) -> Iterator[str]:
    """Yield an array of tables: on one line where it is short."""
    line = f"{key} = [{', '.join(map(_row, rows))}]{_beside(rows[-1])}"
    said_inside = any(_above(one) for one in rows) or any(one.beside for one in rows[:-1])
    if len(rows) <= _SHORT and len(line) <= _LINE and not said_inside:
        yield line
        return
    yield f"{key} = ["
    for one in rows:
        yield from _comments(_above(one), _INDENT)
        yield f"{_INDENT}{_row(one)},{_beside(one)}"
    yield "]"


def _row(draft: Draft) -> str:
    inside = ", ".join(f"{key} = {_written(value)}" for key, value in draft.keys.items())
    return f"{{ {inside} }}" if inside else "{}"


def _above(row: Draft) -> list[str]:
    """Return the comments that stand above a row: those in its element, too, and long ones behind it."""
    return [*row.before, *row.end, *(text for text in row.beside if "\n" in text)]


def _beside(row: Draft) -> str:
    """Return the comments that stand behind a row."""
    texts = [text.strip() for text in row.beside if "\n" not in text]
    return f"  # {_printable(' '.join(texts))}" if texts else ""


def _written(value: Any) -> str:  # noqa: ANN401 - values of TOML
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return value.text if isinstance(value, Written) else str(value)


def _comments(texts: Iterable[str], indent: str) -> Iterator[str]:
    """Yield comments as TOML has them, without the blank lines and the indentation around them."""
    for text in texts:
        first, end, rest = text.strip().partition("\n")
        for line in (first, *(textwrap.dedent(rest).split("\n") if end else ())):
            yield f"{indent}# {_printable(line)}".rstrip()


def _printable(text: str) -> str:
    """Return a text without the one character that XML takes in comments and TOML does not."""
    return text.replace("\x7f", "\\x7f").rstrip()
