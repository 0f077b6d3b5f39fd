"""Views as JSON, and the JSON Schema of them, made from the declarations of their values."""

from __future__ import annotations

import json
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, get_args, get_origin

from sdfgen.records import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIMPLE = {str: "string", int: "integer", bool: "boolean", NoneType: "null"}


def as_json(view: Any) -> str:  # noqa: ANN401 - any of the views
    """Return a view as JSON text.

    Args:
        view: The view.
    """
    return json.dumps(plain(view), indent=2) + "\n"


def json_schema(view: type, title: str) -> str:
    """Return the JSON Schema of a view.

    Args:
        view: Its type.
        title: What it is.
    """
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "$ref": f"#/$defs/{view.__name__}",
        "$defs": {one.__name__: _object(one) for one in records(view)},
    }
    return json.dumps(schema, indent=2) + "\n"


def records(view: type) -> list[type]:
    """Return the type of a view and of all that is in it, in the order in which they are met.

    Args:
        view: The type.
    """
    found = [view]
    for record in found:
        inner = (one for kind in record.__annotations__.values() for one in _inside(kind))
        found += [one for one in dict.fromkeys(inner) if one not in found]
    return found


def kind_text(kind: Any) -> str:  # noqa: ANN401 - an annotation
    """Return what kind of value a field has, in words.

    Args:
        kind: Its annotation.
    """
    if get_origin(kind) is UnionType:
        return " or ".join(map(kind_text, get_args(kind)))
    if get_origin(kind) is tuple:
        return f"array of {kind_text(get_args(kind)[0])}"
    return _SIMPLE.get(kind) or f"`{kind.__name__}`"


def _inside(kind: Any) -> Iterator[type]:  # noqa: ANN401 - an annotation
    if hasattr(kind, "_fields"):
        yield kind
    for part in get_args(kind):
        yield from _inside(part)


def _object(record: Any) -> dict[str, Any]:  # noqa: ANN401 - a named tuple's type
    head, docs = documented(record)
    properties = {
        name: {**_schema(kind), "description": docs.get(name, "")} for name, kind in record.__annotations__.items()
    }
    return {"type": "object", "description": head, "properties": properties, "required": list(properties)}


def _schema(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - an annotation
    if get_origin(kind) is UnionType:
        return {"anyOf": [_schema(part) for part in get_args(kind)]}
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _schema(get_args(kind)[0])}
    return {"type": _SIMPLE[kind]} if kind in _SIMPLE else {"$ref": f"#/$defs/{kind.__name__}"}


def documented(record: type) -> tuple[str, dict[str, str]]:
    """Return what a record's docstring says of it, and of each of its fields.

    Args:
        record: Its type.
    """
    head, _, rest = (record.__doc__ or "").partition("Attributes:")
    docs: dict[str, str] = {}
    for line in filter(None, map(str.strip, rest.splitlines())):
        name, colon, text = line.partition(": ")
        if colon and name in record.__annotations__:
            docs[name] = text
        elif docs:
            last = next(reversed(docs))
            docs[last] = f"{docs[last]} {line}"
    return " ".join(head.split()), docs
