"""The guest timer's core: whom it wakes, and when it wants to look again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .model.programs import COMPILERS, build, check, listed, names

if TYPE_CHECKING:
    from pathlib import Path

TESTS = ("guest_timer_test.c",)


@pytest.fixture(scope="module", params=COMPILERS)
def program(request: pytest.FixtureRequest, programs: Path) -> tuple[str, ...]:
    compiler: str = request.param
    return build(str(programs / f"guest_timer_test_{compiler}"), compiler, TESTS, ("guest_timer/guest_timer.c",))


def test_every_unit_test_is_run(program: tuple[str, ...]) -> None:
    assert listed(program) == names(TESTS)


@pytest.mark.parametrize("name", names(TESTS))
def test_unit(program: tuple[str, ...], name: str) -> None:
    check(program, name)
