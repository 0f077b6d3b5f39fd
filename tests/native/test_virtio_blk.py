"""The virtio block device between a driver and a disk: vectors and scenarios in C."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .model.programs import BLOCK_TEST, COMPILERS, DEVICE, build, check, listed, names

if TYPE_CHECKING:
    from pathlib import Path

NAMES = names(BLOCK_TEST)


@pytest.fixture(scope="module")
def program(programs: Path) -> tuple[str, ...]:
    return build(str(programs / "virtio_blk_test"), "gcc", BLOCK_TEST, DEVICE)


def test_every_unit_test_is_run(program: tuple[str, ...]) -> None:
    assert sorted(listed(program)) == sorted(NAMES)
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_unit(program: tuple[str, ...], name: str) -> None:
    check(program, name)


@pytest.mark.parametrize("compiler", COMPILERS[1:])
def test_all_units_with(programs: Path, compiler: str) -> None:
    check(build(str(programs / f"virtio_blk_test_{compiler}"), compiler, BLOCK_TEST, DEVICE), "--all")
