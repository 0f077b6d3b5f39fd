"""Counters: pages as domains write them, and what is said of them by the monitor and by `sdfgen run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sdfgen.model.counted import COLUMNS

from .model.programs import COMPILERS, build, check, listed, names
from .toolchain import run

if TYPE_CHECKING:
    from pathlib import Path

TESTS = ("monitor_test.c",)
SUBJECTS = ("monitor/monitor.c", "counters/counters.c")


@pytest.fixture(scope="module", params=COMPILERS)
def program(request: pytest.FixtureRequest, programs: Path) -> tuple[str, ...]:
    compiler: str = request.param
    return build(str(programs / f"monitor_test_{compiler}"), compiler, TESTS, SUBJECTS)


def test_every_unit_test_is_run(program: tuple[str, ...]) -> None:
    assert listed(program) == names(TESTS)


@pytest.mark.parametrize("name", names(TESTS))
def test_unit(program: tuple[str, ...], name: str) -> None:
    check(program, name)


def test_c_and_python_know_the_same_columns(program: tuple[str, ...]) -> None:
    *kinds, layout = run((*program, "columns")).splitlines()
    assert [tuple(name for name in line.split() if name != "-") for line in kinds] == list(COLUMNS.values())
    assert all("-" not in line.rstrip(" -") for line in kinds)
    assert layout == "64 64"
