"""The guests' emulated UART, and the lines that a VMM prints of what it sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .model.programs import COMPILERS, build, check, listed, names

if TYPE_CHECKING:
    from pathlib import Path

PRODUCT = ("pl011/console_line.c", "pl011/pl011.c")
TESTS = ("pl011_test.c",)


@pytest.fixture(scope="module", params=COMPILERS)
def built(request: pytest.FixtureRequest, programs: Path) -> tuple[str, ...]:
    """What runs the program."""
    compiler: str = request.param
    return build(str(programs / f"pl011_test_{compiler}"), compiler, TESTS, PRODUCT)


def test_every_unit_test_is_run(built: tuple[str, ...]) -> None:
    assert listed(built) == names(TESTS)


@pytest.mark.parametrize("name", names(TESTS))
def test_unit(built: tuple[str, ...], name: str) -> None:
    check(built, name)
