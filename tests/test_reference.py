"""What is generated from the types: reference, schema, explanations."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from sdfgen.commands.reference import all_codes, explanation, explanations, json_schema, markdown

ROOT = Path(__file__).parent.parent


def test_reference_is_up_to_date() -> None:
    assert (ROOT / "docs" / "reference.md").read_text() == markdown(), "run `make docs`"


def test_schema_knows_every_key_of_the_example() -> None:
    definitions = json.loads(json_schema())["$defs"]
    example = tomllib.loads((ROOT / "examples" / "two-clients" / "system.toml").read_text())
    assert set(example) <= set(definitions["Spec"]["properties"])
    assert set(example["block"]["client"][1]) <= set(definitions["ClientTable"]["properties"])
    assert definitions["ClientTable"]["required"] == ["name", "partition"]


def test_every_code_is_explained() -> None:
    assert all(re.fullmatch(r"(SDF|PATCH)\d{3}", code) for code in all_codes())
    for code in all_codes():
        text = explanation(code.lower())
        assert text is not None
        title, reason = text.split("\n\n")
        assert title.startswith(f"{code}: ")
        assert len(reason) > 30
    assert len(explanations().splitlines()) == len(all_codes())
    assert explanation("SDF999") is None


def test_codes_in_the_text_exist() -> None:
    for path in (*ROOT.glob("docs/*.md"), ROOT / "README.md"):
        assert set(re.findall(r"SDF\d{3}", path.read_text())) <= set(all_codes()), path.name
