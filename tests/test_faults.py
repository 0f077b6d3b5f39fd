"""faults/CODE/NAME.toml has one fault, of that code, and is named after it; NAME.txt holds all that is said of it.

NAME.system likewise; `<?check OPTIONS?>` in it is how it is checked. The text is what somebody in the input's folder
sees. Files that inputs name are in faults/parts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sdfgen.commands.check import request_of
from sdfgen.commands.options import parse
from sdfgen.describe import describe
from sdfgen.existing.examine import examine
from sdfgen.faults.render import as_text
from tests.paths import FAULTS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Golden

FILES = sorted(FAULTS.glob("SDF*/*.toml"))
EXISTING = sorted(FAULTS.glob("SDF*/*.system"))
OPTIONS = re.compile(rb"<\?check (.*)\?>")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_fault_is_told(path: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    faults = describe(path.name).faults.sorted()
    assert [fault.code for fault in faults] == [path.parent.name], as_text(faults)
    golden.check(path.with_suffix(".txt"), as_text(faults))


@pytest.mark.parametrize("path", EXISTING, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_fault_of_a_system_file_is_told(path: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    options = OPTIONS.search(path.read_bytes())
    parsed = parse(["check", path.name, *(options[1].decode().split() if options else [])])
    assert parsed is not None
    faults = examine(request_of(parsed[1])).faults.sorted()
    assert {fault.code for fault in faults} == {path.parent.name}, as_text(faults)
    golden.check(path.with_suffix(".txt"), as_text(faults))


def test_every_expectation_has_its_input() -> None:
    assert {path.stem for path in FAULTS.glob("SDF*/*.txt")} == {path.stem for path in (*FILES, *EXISTING)}


def test_names_are_given_once() -> None:
    assert len({path.stem for path in (*FILES, *EXISTING)}) == len(FILES) + len(EXISTING)


def test_nothing_else_is_there() -> None:
    known = {*FILES, *EXISTING, *(path.with_suffix(".txt") for path in (*FILES, *EXISTING))}
    assert {path for path in FAULTS.rglob("*") if path.is_file() and path.parent.name != "parts"} == known
