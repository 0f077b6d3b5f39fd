"""Each file of tests/faults/ has one fault and is named after it; the .txt beside it holds all that is said."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe
from sdfgen.faults.render import as_text

if TYPE_CHECKING:
    from tests.conftest import Golden

FAULTS = Path(__file__).parent / "faults"
FILES = sorted(FAULTS.glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_fault_is_told(path: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FAULTS)
    faults = describe(os.path.basename(path)).faults.sorted()
    golden.check(path.with_suffix(".txt"), as_text(faults))
    assert len(faults) == 1


def test_every_expectation_has_its_input() -> None:
    assert {path.stem for path in FAULTS.glob("*.txt")} == {path.stem for path in FILES}
