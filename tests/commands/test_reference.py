"""What is generated from the types: reference, schema, explanations."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.commands.reference import (
    EXAMPLES,
    all_codes,
    example_file,
    explanation,
    explanations,
    json_schema,
    markdown,
)
from sdfgen.describe import describe
from sdfgen.faults.render import as_text
from sdfgen.schema.places import placed_tables
from sdfgen.subsystems import register
from tests.paths import ROOT

if TYPE_CHECKING:
    from sdfgen.schema.places import PlacedTable

PLACED: Final = placed_tables(register.spec())


def test_reference_is_up_to_date() -> None:
    assert (ROOT / "docs" / "reference.md").read_text() == markdown(), "run `make docs`"


def test_schema_knows_every_key_of_the_example() -> None:
    definitions = json.loads(json_schema())["$defs"]
    example = tomllib.loads((ROOT / "examples" / "two-clients" / "system.toml").read_text())
    assert set(example) <= set(definitions["Spec"]["properties"])
    assert set(example["block"]) <= set(definitions["BlockTable"]["properties"])
    for guest in example["guest"]:
        assert set(guest) <= set(definitions["GuestTable"]["properties"])
        for disk in guest.get("disk", ()):
            assert set(disk) <= set(definitions["DiskTable"]["properties"])
    assert definitions["GuestTable"]["required"] == ["name"]
    assert definitions["DiskTable"]["required"] == ["partition"]


def test_every_code_is_explained() -> None:
    assert all(re.fullmatch(r"(SDF|PATCH)\d{3}", code) for code in all_codes())
    for code in all_codes():
        text = explanation(code.lower())
        assert explanation(code.removeprefix("SDF")) == text
        assert text is not None
        title, reason = text.split("\n\n")
        assert title.startswith(f"{code}: ")
        assert len(reason) > 30
    assert len(explanations().splitlines()) == len(all_codes())
    assert explanation("SDF999") is None


def test_codes_in_the_text_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    # docs/adding-a-subsystem.md is about one that only tests know.
    monkeypatch.setattr(register, "PACKAGES", (*register.PACKAGES, "tests.subsystems.bell"))
    for path in (*ROOT.glob("docs/*.md"), ROOT / "README.md"):
        assert set(re.findall(r"SDF\d{3}", path.read_text())) <= set(all_codes()), path.name


def included(path: Path) -> list[str]:
    found: list[str] = tomllib.loads(path.read_text(encoding="utf-8")).get("include", [])
    return found


@pytest.mark.parametrize("placed", PLACED, ids=lambda placed: placed.path or "top level")
def test_the_example_of_a_table_is_good_and_has_it(placed: PlacedTable) -> None:
    path = Path(example_file(placed.path))
    described = describe(str(path))
    found = [fault for fault in described.faults if fault.severity != "note"]
    assert found == [], as_text(found)
    if placed.heading:
        assert f"{placed.heading}\n" in path.read_text(encoding="utf-8")


def test_every_example_is_of_a_table_and_all_beside_them_is_included() -> None:
    found = sorted(Path(EXAMPLES).glob("*.toml"))
    assert found == sorted(Path(example_file(placed.path)) for placed in PLACED)
    named = {part for path in found for part in included(path)}
    assert named == {f"beside/{path.name}" for path in Path(EXAMPLES, "beside").iterdir()}


def test_each_code_and_each_table_stands_in_the_reference_once() -> None:
    lines = markdown().splitlines()
    assert sorted(line.split()[1] for line in lines if re.match(r"\| (SDF|PATCH)\d", line)) == all_codes()
    headings = sorted(line for line in lines if line.startswith("### `["))
    assert headings == sorted(f"### `{placed.heading}`" for placed in PLACED if placed.heading)
