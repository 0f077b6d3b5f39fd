"""JSON Schemas of files, made of the tables that read them: what editors complete, check and explain.

A schema refuses only what reading refuses. What spans several tables, and which keys an included part may leave to
others, is not said in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdfgen.schema.readers import ListOf, Reader
from sdfgen.schema.table import REQUIRED, Many, One, OneOrMany, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_CHANGE = "Change"
"""What the name of a table's definition ends with where it stands in an override: nothing is required then."""


def schema_of(root: type[Table], title: str) -> dict[str, Any]:
    """Return the JSON Schema of a file.

    Args:
        root: The table that the file is.
        title: What the file is.
    """
    tables = {table.__name__: table for table in tables_of(root)}
    return {
        "$schema": DIALECT,
        "title": title,
        "$ref": f"#/$defs/{root.__name__}",
        "$defs": {name: _object(table) for name, table in sorted(tables.items())},
    }


def with_overrides(schema: dict[str, Any], root: type[Table], *, is_part: bool) -> dict[str, Any]:
    """Let a file include others, and override itself for single boards.

    Tables of files that include each other are merged, so that what is required may stand in any of them.

    Args:
        schema: What `schema_of` has made.
        root: The table that the file is.
        is_part: It is one that others include: nothing is required in its tables.
    """
    tables = {table.__name__: table for table in tables_of(root)}
    definitions = schema["$defs"]
    definitions |= {f"{name}{_CHANGE}": _change(table) for name, table in sorted(tables.items())}
    own = definitions[root.__name__]
    merged = {name: table_in(k.reader) for name, k in root.keys.items() if isinstance(k.reader, (One, OneOrMany))}
    needed = {name: definitions[table.__name__].pop("required") for name, table in merged.items() if table is not None}
    for name, keys in needed.items():
        _require_of_elements(own["properties"][name], keys)
    whole = {
        "required": own.pop("required"),
        "properties": {name: {"required": keys} for name, keys in needed.items() if keys},
    }
    if not is_part:
        own |= {"if": {"required": ["include"]}, "then": {}, "else": whole}
    own["properties"]["include"] = {
        "type": "array",
        "items": {"type": "string"},
        "description": "More files to read, relative to this one. Tables merge, arrays join.",
        "examples": [["guests.toml"]],
    }
    own["properties"]["board"] = {
        "type": "object",
        "additionalProperties": {"$ref": f"#/$defs/{root.__name__}{_CHANGE}"},
        "description": "Overrides for single boards: [board.NAME.…] with the same keys; elements of arrays by name.",
    }
    return schema


def _require_of_elements(schema: dict[str, Any], keys: list[str]) -> None:
    """Let the elements of an array, which are not merged with others, have all their keys."""
    for one in schema.get("anyOf", ()):
        if one.get("type") == "array":
            one["items"] = {**one["items"], "required": keys}


def tables_of(table: type[Table], seen: frozenset[type[Table]] = frozenset()) -> Iterator[type[Table]]:
    """Yield a table and all that stand in it, some more than once.

    Args:
        table: The table.
        seen: Those that hold it.
    """
    yield table
    for wanted in table.keys.values():
        inner = table_in(wanted.reader)
        if inner is not None and inner not in seen:
            yield from tables_of(inner, seen | {inner})


def table_in(reader: Reader) -> type[Table] | None:
    """Return the table that a reader reads one or several of; None for any other value."""
    inner = reader.item if isinstance(reader, Many) else reader
    return inner.table if isinstance(inner, One) else None


def _object(table: type[Table]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": " ".join((table.__doc__ or "").split()),
        "properties": {name: {**k.reader.schema(), "description": k.doc} for name, k in table.keys.items()},
        "required": [name for name, k in table.keys.items() if k.default is REQUIRED],
        "additionalProperties": False,
    }


def _change(table: type[Table]) -> dict[str, Any]:
    """Return the schema of a table over another one: any of its keys, and elements of arrays by their names."""
    properties = {name: {**_changed(wanted.reader), "description": wanted.doc} for name, wanted in table.keys.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _changed(reader: Reader) -> dict[str, Any]:
    inner = table_in(reader)
    if inner is None:
        if not isinstance(reader, ListOf):
            return reader.schema()
        return {**reader.schema(), "type": ["array", "object"]}
    change = {"$ref": f"#/$defs/{inner.__name__}{_CHANGE}"}
    if not isinstance(reader, Many):
        return change
    array = {"type": "array", "items": change}
    return {"anyOf": [array, change, {"type": "object", "additionalProperties": change}]}
