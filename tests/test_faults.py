"""faults/CODE/NAME.toml has one fault, of that code, and is named after it; NAME.txt holds all that is said of it.

The text is what somebody in the input's folder sees. Files that inputs name are in faults/parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe
from sdfgen.faults.render import as_text
from tests.paths import FAULTS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Golden

FILES = sorted(FAULTS.glob("SDF*/*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_fault_is_told(path: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    faults = describe(path.name).faults.sorted()
    assert [fault.code for fault in faults] == [path.parent.name], as_text(faults)
    golden.check(path.with_suffix(".txt"), as_text(faults))


def test_every_expectation_has_its_input() -> None:
    assert {path.with_suffix(".toml") for path in FAULTS.glob("SDF*/*.txt")} == set(FILES)


def test_names_are_given_once() -> None:
    assert len({path.stem for path in FILES}) == len(FILES)


def test_nothing_else_is_there() -> None:
    known = {*FILES, *(path.with_suffix(".txt") for path in FILES)}
    assert {path for path in FAULTS.rglob("*") if path.is_file() and path.parent.name != "parts"} == known
