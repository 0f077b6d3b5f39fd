"""The virtio-mmio register file: over a device that takes notes, and over the block device."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from .model.programs import COMPILERS, DEVICE, build, check, listed, names

if TYPE_CHECKING:
    from pathlib import Path

REGISTERS = "virtio/virtio_mmio.c"


class Program(NamedTuple):
    """A C test program."""

    tests: tuple[str, ...]
    product: tuple[str, ...]


PROGRAMS = {
    "virtio_mmio_test": Program(("virtio_mmio_test.c", "virtio_mmio_mock.c"), (REGISTERS,)),
    "virtio_mmio_access_test": Program(("virtio_mmio_access_test.c", "virtio_mmio_mock.c"), (REGISTERS,)),
    "virtio_mmio_page_test": Program(
        ("virtio_mmio_page_test.c", "virtio_mmio_mock.c"), (REGISTERS, "virtio/virtio_mmio_page.c")
    ),
    "virtio_mmio_block_test": Program(("virtio_mmio_block_test.c", "device_disk.c"), (REGISTERS, *DEVICE)),
}
CASES = [(program, name) for program in PROGRAMS for name in names(PROGRAMS[program].tests)]


@pytest.fixture(scope="module", params=COMPILERS)
def built(request: pytest.FixtureRequest, programs: Path) -> dict[str, tuple[str, ...]]:
    """What runs each program."""
    compiler: str = request.param
    return {
        name: build(str(programs / f"{name}_{compiler}"), compiler, program.tests, program.product)
        for name, program in PROGRAMS.items()
    }


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_unit_test_is_run(built: dict[str, tuple[str, ...]], program: str) -> None:
    assert listed(built[program]) == names(PROGRAMS[program].tests)


@pytest.mark.parametrize(("program", "name"), CASES)
def test_unit(built: dict[str, tuple[str, ...]], program: str, name: str) -> None:
    check(built[program], name)
