"""What is generated from the types: reference, schema, explanations."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING

from sdfgen.commands.reference import all_codes, explanation, explanations, json_schema, markdown
from sdfgen.subsystems import register
from tests.paths import ROOT

if TYPE_CHECKING:
    import pytest


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
