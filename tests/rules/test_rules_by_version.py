"""docs/rules-by-version.md says what the rules say: each row has an input, and each version its severity."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sdfgen import judge
from sdfgen.describe import describe
from sdfgen.facts.dialects import DIALECTS
from tests.paths import ROOT
from tests.rules.rule_inputs import INPUTS

if TYPE_CHECKING:
    from pathlib import Path

TABLE = ROOT / "docs" / "rules-by-version.md"
ROW = re.compile(r"\| (SDF\d+) \| ([^|]+) \|" + r" ([^|]+) \|" * len(DIALECTS) + r" [^|]+ \|")
ROWS = {(row[1], row[2]): row.groups()[2:] for row in map(ROW.fullmatch, TABLE.read_text().splitlines()) if row}
ELSEWHERE = {"SDF098", "SDF102", "SDF141", "SDF142", *(f"SDF{number}" for number in (*range(211, 219), 222, 223))}
"""Rules of sdfgen/rules about the block subsystem only, about ELFs, or about what is beside others' system files."""


def severities(path: Path, code: str) -> str:
    found = {fault.severity for fault in describe(str(path)).faults if fault.code == code}
    return found.pop() if len(found) == 1 else str(found or "-")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_each_version_says_what_the_table_says(row: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "system.toml"
    said = []
    for version in DIALECTS:
        head = f'[system]\nname = "demo"\nboards = ["qemu_virt_aarch64"]\nmicrokit = "{version}"\n'
        path.write_text(head + INPUTS[row], encoding="utf-8")
        said.append(severities(path, row[0]))
    assert tuple(said) == ROWS[row]


def test_each_input_has_a_row_and_each_rule_too() -> None:
    assert ROWS.keys() == INPUTS.keys()
    rules = {code for code, rule in judge.rules().items() if rule.function.__module__.startswith("sdfgen.rules.")}
    assert {code for code, _ in ROWS} == rules - ELSEWHERE


def test_the_head_of_the_table_names_the_versions() -> None:
    assert f"| code | what | {' | '.join(DIALECTS)} | why |" in TABLE.read_text()
