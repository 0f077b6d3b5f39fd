"""The reference of descriptions and fault codes, made from the types that read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from patcher.errors import BLAMED
from patcher.errors import CODES as PATCHING
from sdfgen.facts.board_tables import BoardFile
from sdfgen.faults.codes import BUILDING, EXISTING, READING, VERIFYING
from sdfgen.judge import BOARD_RULES, rules
from sdfgen.records import NamedTuple
from sdfgen.schema.editors import schema_of, table_in, with_overrides
from sdfgen.schema.readers import ListOf, Reader, Size
from sdfgen.schema.table import REQUIRED, Table
from sdfgen.subsystems import register
from sdfgen.units import size_text

if TYPE_CHECKING:
    from collections.abc import Iterator


class KeyText(NamedTuple):
    """A key as the reference shows it."""

    name: str
    kind: str
    default: str
    doc: str


class TableText(NamedTuple):
    """A table as the reference shows it."""

    path: str
    doc: str
    keys: list[KeyText]


def _tables(table: type[Table], path: str, seen: frozenset[type[Table]]) -> Iterator[tuple[str, type[Table]]]:
    yield path, table
    for name, wanted in table.keys.items():
        inner = table_in(wanted.reader)
        if inner is not None and inner not in seen:
            step = f"{path}.{name}" if path else name
            yield from _tables(inner, step, seen | {inner})


def _default(reader: Reader, default: object, words: str) -> str:
    if words:
        return words
    if default is REQUIRED:
        return "required"
    if default in {None, (), ""}:
        return "none"
    if isinstance(reader, Size) and isinstance(default, int):
        return size_text(default)
    return json.dumps(default)


def _kind(reader: Reader) -> str:
    inner = table_in(reader)
    if inner is not None:
        return "array of tables" if isinstance(reader, ListOf) else "table"
    return reader.says


def _shown(path: str, table: type[Table]) -> TableText:
    keys = [
        KeyText(name, _kind(k.reader), _default(k.reader, k.default, k.default_doc), k.doc)
        for name, k in sorted(table.keys.items(), key=lambda item: item[1].default is not REQUIRED)
    ]
    return TableText(path, " ".join((table.__doc__ or "").split()), keys)


def markdown() -> str:
    """Return docs/reference.md."""
    from sdfgen.facts.templates import rendered

    tables = [_shown(path, table) for path, table in _tables(register.spec(), "", frozenset({register.spec()}))]
    codes = [(code, *explained(code)) for code in all_codes()]
    return rendered("reference.md.j2", tables=tables, codes=codes, forms=_forms())


def _forms() -> list[tuple[str, list[TableText]]]:
    """Return the JSON that commands write as the reference shows it: its objects, by command."""
    from sdfgen.views.forms import FORMS
    from sdfgen.views.json_form import documented, kind_text, records

    found: dict[str, list[TableText]] = {}
    shown: set[type] = set()
    for command, form in FORMS.items():
        for record in records(form.view):
            head, docs = documented(record)
            kinds = record.__annotations__.items()
            keys = [KeyText(name, kind_text(kind), "", docs.get(name, "")) for name, kind in kinds]
            if record not in shown:
                found.setdefault(command, []).append(TableText(record.__name__, head, keys))
            shown.add(record)
    return list(found.items())


def json_schema(of: str = "description") -> str:
    """Return a JSON Schema for editors.

    Args:
        of: `description`, `part`, which is one that others include, or `board`, a board file.
    """
    if of == "board":
        schema = schema_of(BoardFile.with_keys(register.board_keys()), "board file of sdfgen")
    else:
        schema = schema_of(register.spec(), "system description of sdfgen" + (", a part" if of == "part" else ""))
        schema = with_overrides(schema, register.spec(), is_part=of == "part")
    return json.dumps(schema, indent=2) + "\n"


def schema_of_view(command: str) -> str:
    """Return the JSON Schema of what a command writes with `--format json`.

    Args:
        command: The command.
    """
    from sdfgen.views import json_form
    from sdfgen.views.forms import FORMS

    form = FORMS[command]
    return json_form.json_schema(form.view, f"sdfgen {command} --format json, version {form.version}")


def all_codes() -> list[str]:
    """Return every fault code there is, in order."""
    return sorted({*READING, *rules(), *BOARD_RULES, *register.codes(), *EXISTING, *BUILDING, *VERIFYING, *PATCHING})


def explained(code: str) -> tuple[str, str]:
    """Return title and text of a fault code that there is."""
    for table in (READING, register.codes(), EXISTING, BUILDING, VERIFYING):
        if code in table:
            return table[code]
    if code in PATCHING:
        return PATCHING[code].summary, f"When values are written into ELFs. At fault is {BLAMED[PATCHING[code].blame]}."
    rule = rules().get(code) or BOARD_RULES[code]
    return rule.title, " ".join((rule.function.__doc__ or "").split())


def explanation(code: str) -> str | None:
    """Return what a code means; None for a code that does not exist."""
    code = code.upper()
    if code not in all_codes():
        return None
    title, text = explained(code)
    return f"{code}: {title}\n\n{text}\n"


def explanations() -> str:
    """Return all codes with their titles."""
    return "".join(f"{code}  {explained(code)[0]}\n" for code in all_codes())
