"""Views of the descriptions that tests have, and a judge of JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdfgen.describe import describe
from sdfgen.views.survey import survey
from tests.paths import EXAMPLE, FOUR_CORES, SYSTEMS

if TYPE_CHECKING:
    from pathlib import Path

    from sdfgen.model.system import System
    from sdfgen.views.document import SystemView

SYSTEM_FILES = [EXAMPLE, FOUR_CORES, *sorted(SYSTEMS.glob("*.toml"))]


def system_at(path: Path, *settings: str) -> System:
    description = describe(str(path), settings)
    assert not description.faults.errors, [fault.message for fault in description.faults]
    return next(iter(description.systems.values()))


def view_at(path: Path, *settings: str) -> SystemView:
    return survey(system_at(path, *settings), lambda name: name.rpartition("/")[2])


def breaks(schema: dict[str, Any], value: object, kinds: dict[str, Any], path: str = "$") -> list[str]:
    """What a value has otherwise than its schema, of the keywords that ours use."""
    if "$ref" in schema:
        return breaks(kinds[schema["$ref"].rpartition("/")[2]], value, kinds, path)
    if "anyOf" in schema:
        found = [breaks(one, value, kinds, path) for one in schema["anyOf"]]
        return [] if [] in found else found[0]
    types = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}
    if type(value) is not types[schema["type"]]:
        return [f"{path}: {value!r} is no {schema['type']}"]
    if isinstance(value, list):
        return [fault for item in value for fault in breaks(schema["items"], item, kinds, f"{path}[]")]
    if isinstance(value, dict):
        other = [f"{path}: {key}" for key in value.keys() ^ set(schema["required"])]
        inner = schema["properties"].items()
        return other + [
            f for key, one in inner if key in value for f in breaks(one, value[key], kinds, f"{path}.{key}")
        ]
    return []
