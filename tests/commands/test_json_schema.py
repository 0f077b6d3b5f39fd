"""JSON Schemas for editors: they take all that is good, and refuse what they can."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any, Final

import pytest

from sdfgen.commands.reference import json_schema
from tests.paths import BOARDS, FAULTS, ROOT, SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

jsonschema: Any = pytest.importorskip("jsonschema", reason="the extra `test` has it")

DESCRIPTION: Final = json.loads(json_schema())
PART: Final = json.loads(json_schema("part"))
BOARD: Final = json.loads(json_schema("board"))
SCHEMAS: Final = {"description": DESCRIPTION, "part": PART, "board": BOARD}
SHAPE: Final = ("SDF003", "SDF004", "SDF005", "SDF009", "SDF026")
"""What a schema can see: kinds of values, missing keys, unknown keys, those of other architectures and of old."""
# What it can't see of these, and why.
NOT_SEEN: Final = {
    "SDF003/disk_bandwidth_beyond_64_bits": "a text: its number is not looked at",
    "SDF003/disk_bandwidth_text_below_a_block": "a text: its number is not looked at",
    "SDF003/disk_bandwidth_is_a_fraction": "JSON has no other whole numbers than fractions such as 20.0",
    "SDF003/number_with_a_fraction_of_nothing": "JSON has no other whole numbers than fractions such as 60.0",
    "SDF003/type_number_enormous": "no bound is said of numbers that have none but that of 64 bits",
    "SDF003/type_text_no_character": "no pattern of JSON Schema tells halves of characters",
}
REFERENCE: Final = ROOT / "templates" / "reference" / "examples"
PARTS: Final = sorted([*FAULTS.glob("parts/*.toml"), *REFERENCE.glob("beside/*.toml")])
GOOD: Final = sorted([*ROOT.glob("examples/*/system.toml"), *SYSTEMS.glob("*.toml"), *REFERENCE.glob("*.toml")])


def errors(schema: dict[str, Any], path: Path) -> list[str]:
    found = jsonschema.Draft202012Validator(schema).iter_errors(tomllib.loads(path.read_text(encoding="utf-8")))
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in found]


def is_toml(path: Path) -> bool:
    try:
        tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return False
    return True


def faulty(*, shape: bool) -> Iterator[Path]:
    """Fault inputs that are TOML, by whether the shape of a file is wrong."""
    for path in sorted(FAULTS.glob("SDF*/*.toml")):
        if not is_toml(path) or path.stem == "toml_nested_too_deeply":
            continue
        said = path.with_suffix(".txt").read_text()
        if any(f"error[{code}]" in said for code in SHAPE) == shape:
            yield path


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("of", SCHEMAS)
def test_they_are_schemas(of: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[of])


@pytest.mark.parametrize("path", GOOD, ids=name_of)
def test_what_is_good_is_taken(path: Path) -> None:
    assert errors(DESCRIPTION, path) == []


@pytest.mark.parametrize("path", [*BOARDS.glob("*.toml")], ids=name_of)
def test_boards_are_taken(path: Path) -> None:
    assert errors(BOARD, path) == []


@pytest.mark.parametrize("path", [path for path in PARTS if is_toml(path)], ids=name_of)
def test_included_parts_are_taken(path: Path) -> None:
    assert errors(PART, path) == []


def test_what_includes_others_may_leave_the_rest_to_them(tmp_path: Path) -> None:
    path = tmp_path / "system.toml"
    path.write_text('include = ["more.toml"]\n')
    assert errors(DESCRIPTION, path) == []
    path.write_text('include = ["more.toml"]\n[block]\nname = "disk"\n')
    assert errors(DESCRIPTION, path) == []
    path.write_text('include = ["more.toml"]\n[[block]]\nname = "disk"\n')
    assert len(errors(DESCRIPTION, path)) == 1, "elements of arrays are not merged"
    path.write_text('[system]\nname = "a"\nboards = []\n[block]\ndriver = "b"\n')
    assert errors(DESCRIPTION, path) == ["block: 'storage' is a required property"]
    path.write_text("")
    assert errors(DESCRIPTION, path) == [": 'system' is a required property"]
    path.write_text('[system]\nname = "a"\n')
    assert errors(DESCRIPTION, path) == ["system: 'boards' is a required property"]


def test_faults_of_other_kinds_are_taken() -> None:
    refused = {name_of(path): found for path in faulty(shape=False) if (found := errors(DESCRIPTION, path))}
    assert refused == {}


def test_faults_of_the_shape_are_refused() -> None:
    taken = {name_of(path) for path in faulty(shape=True) if not errors(DESCRIPTION, path)}
    assert taken == NOT_SEEN.keys()


@pytest.mark.parametrize("of", SCHEMAS)
def test_every_key_is_described_and_every_size_has_an_example(of: str) -> None:
    for name, table in SCHEMAS[of]["$defs"].items():
        for key, wanted in table["properties"].items():
            assert wanted["description"], f"{name}.{key}"
            if any("pattern" in one for one in wanted.get("anyOf", ())):
                assert wanted["examples"], f"{name}.{key}"
