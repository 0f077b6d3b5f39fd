"""The split ring and guest memory: unit tests in C."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .model.programs import COMPILERS, RING, VIRTQ_TEST, build, check, listed, names

if TYPE_CHECKING:
    from pathlib import Path

NAMES = names(VIRTQ_TEST)


@pytest.fixture(scope="module")
def program(programs: Path) -> tuple[str, ...]:
    return build(str(programs / "virtq_test"), "gcc", VIRTQ_TEST, RING)


def test_every_unit_test_is_run(program: tuple[str, ...]) -> None:
    assert sorted(listed(program)) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_unit(program: tuple[str, ...], name: str) -> None:
    check(program, name)


@pytest.mark.parametrize("compiler", COMPILERS[1:])
def test_all_units_with(programs: Path, compiler: str) -> None:
    check(build(str(programs / f"virtq_test_{compiler}"), compiler, VIRTQ_TEST, RING), "--all")
