"""Board files with one fault, and such on the other side of each limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sdfgen.describe import describe
from sdfgen.facts.board import board_files, load_board
from sdfgen.faults.fault import Faults
from sdfgen.faults.render import as_text
from sdfgen.judge import BOARD_RULES
from sdfgen.subsystems import register

from .own import HERE, OWN, QEMU, cases, put

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Golden

FAULTS = cases("faults.toml")


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: case["name"])
def test_fault_is_told_without_what_follows(
    tmp_path: Path, case: dict[str, Any], golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, case)
    monkeypatch.chdir(tmp_path)
    faults = describe("system.toml").faults.sorted()
    golden.check(HERE / "faults" / f"{case['name']}.txt", as_text(faults))
    assert [fault.code for fault in faults] == [case["name"].split("_")[0]]


@pytest.mark.parametrize("case", cases("good.toml"), ids=lambda case: case["name"])
def test_the_other_side_of_the_limit_is_good(tmp_path: Path, case: dict[str, Any]) -> None:
    put(tmp_path, case)
    described = describe(str(tmp_path / "system.toml"))
    assert as_text(described.faults.sorted()) == ""
    assert OWN in described.systems


def test_every_rule_and_every_expectation_has_its_case() -> None:
    assert {case["name"].split("_")[0] for case in FAULTS} >= set(BOARD_RULES)
    assert {case["name"] for case in FAULTS} == {path.stem for path in (HERE / "faults").glob("*.txt")}


def test_faults_of_the_description_are_told_beside_the_boards(tmp_path: Path) -> None:
    from .own import SYSTEM

    put(
        tmp_path,
        {"edits": [['console_device = "uart"', 'console_device = "com1"']]},
        f"{SYSTEM}queue_capacity = 'many'\n",
    )
    assert [fault.code for fault in describe(str(tmp_path / "system.toml")).faults.sorted()] == ["SDF122", "SDF003"]


def test_boards_that_are_not_built_for_are_not_judged(tmp_path: Path) -> None:
    from .own import SYSTEM

    put(tmp_path, {"edits": [["0x0901_0000", "0x0900_0000"]]}, SYSTEM.replace(OWN, QEMU))
    assert describe(str(tmp_path / "system.toml")).faults.sorted() == []


@pytest.mark.parametrize("name", [QEMU, "odroidc4"])
def test_the_largest_allocation_follows_from_the_ram(name: str) -> None:
    board = load_board(name, board_files()[name], Faults(), register.board_keys())
    assert board is not None
    stated = board.single_allocation_bytes
    vars(board.facts)["large_pages"] = None
    assert board.single_allocation_bytes == stated
