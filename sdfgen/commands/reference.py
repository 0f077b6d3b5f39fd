"""The reference of descriptions and fault codes, made from the types that read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from patcher.errors import BLAMED
from patcher.errors import CODES as PATCHING
from sdfgen.facts.board_tables import BoardFile
from sdfgen.facts.data import data_path
from sdfgen.faults.codes import BUILDING, EXISTING, READING, RUNNING, VERIFYING
from sdfgen.judge import BOARD_RULES, rules
from sdfgen.records import NamedTuple
from sdfgen.schema.editors import schema_of, table_in, with_overrides
from sdfgen.schema.places import placed_tables
from sdfgen.schema.readers import ListOf, Reader, Size
from sdfgen.schema.table import REQUIRED
from sdfgen.subsystems import register
from sdfgen.units import size_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sdfgen.schema.places import PlacedTable

EXAMPLES: Final = data_path("templates/reference/examples")
"""A description for each table; what it includes first stands beside it and is not shown."""
_SUBSYSTEMS: Final = "What guests share"
_GROUPS: Final = {
    "The system": ("", "system"),
    "Guests": ("guest", "guest_timer"),
    _SUBSYSTEMS: (),
    "As in Microkit": ("protection_domain", "memory_region", "channel", "map", "irq", "setvar", "domains"),
    "The build": ("patch", "toolchain"),
}
"""Tables by the first key of their path; any other is a subsystem's."""


class KeyText(NamedTuple):
    """A key as the reference shows it."""

    name: str
    kind: str
    default: str
    doc: str


class TableText(NamedTuple):
    """A table as the reference shows it."""

    title: str
    doc: str
    keys: list[KeyText]
    example: str = ""


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


def _shown(placed: PlacedTable) -> TableText:
    keys = [
        KeyText(name, _kind(k.reader), _default(k.reader, k.default, k.default_doc), k.doc)
        for name, k in sorted(placed.table.keys.items(), key=lambda item: item[1].default is not REQUIRED)
    ]
    doc = " ".join((placed.table.__doc__ or "").split())
    title = f"`{placed.heading}`" if placed.heading else "Top level"
    return TableText(title, doc, keys, _example(placed.path))


def example_file(path: str) -> str:
    """Return the file that has a table's example.

    Args:
        path: Where the table stands.
    """
    return f"{EXAMPLES}/{path or 'description'}.toml"


def _example(path: str) -> str:
    with open(example_file(path), encoding="utf-8") as file:
        text = file.read()
    return text.partition("\n\n")[2] if text.startswith("include") else text


def _grouped() -> dict[str, list[TableText]]:
    found: dict[str, list[TableText]] = {group: [] for group in _GROUPS}
    group_of = {key: group for group, keys in _GROUPS.items() for key in keys}
    for placed in placed_tables(register.spec()):
        found[group_of.get(placed.path.partition(".")[0], _SUBSYSTEMS)].append(_shown(placed))
    return found


def markdown() -> str:
    """Return docs/reference.md."""
    from sdfgen.facts.templates import rendered

    codes = {group: [(code, *explained(code)) for code in sorted(found)] for group, found in _grouped_codes().items()}
    return rendered("reference/reference.md.j2", groups=_grouped(), codes=codes, forms=_forms())


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


def _grouped_codes() -> dict[str, Iterable[str]]:
    """Return all codes by when they are said."""
    return {
        "Reading a description": {*READING, *register.codes()},
        "Judging a system": rules(),
        "Board files": BOARD_RULES,
        "System files that others wrote": EXISTING,
        "Building": BUILDING,
        "Verifying": VERIFYING,
        "Running": RUNNING,
        "Writing values into ELFs": PATCHING,
    }


def all_codes() -> list[str]:
    """Return every fault code there is, in order."""
    return sorted({code for found in _grouped_codes().values() for code in found})


def explained(code: str) -> tuple[str, str]:
    """Return title and text of a fault code that there is."""
    for table in (READING, register.codes(), EXISTING, BUILDING, VERIFYING, RUNNING):
        if code in table:
            return table[code]
    if code in PATCHING:
        return PATCHING[code].summary, f"When values are written into ELFs. At fault is {BLAMED[PATCHING[code].blame]}."
    rule = rules().get(code) or BOARD_RULES[code]
    return rule.title, " ".join((rule.function.__doc__ or "").split())


def explanation(code: str) -> str | None:
    """Return what a code means; None for a code that does not exist."""
    code = f"SDF{code:0>3}" if code.isdecimal() else code.upper()
    if code not in all_codes():
        return None
    title, text = explained(code)
    return f"{code}: {title}\n\n{text}\n"


def explanations() -> str:
    """Return all codes with their titles."""
    return "".join(f"{code}  {explained(code)[0]}\n" for code in all_codes())
