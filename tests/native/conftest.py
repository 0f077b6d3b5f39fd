"""Each program is compiled once a session."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from .elf import patch_symbol
from .facts import IO_BASES, SMALL_QUEUE
from .fake_uio import FakeLinux
from .toolchain import (
    C_TESTS,
    TEMPLATES_C,
    TWO_CLIENTS,
    WRAPS,
    build_driver,
    build_native,
    driver_sources,
    wrap_flags,
    wrap_sources,
)

if TYPE_CHECKING:
    from pathlib import Path

UIO_TABLE = os.path.join(TWO_CLIENTS, "block_uio_table.c")


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what is compiled."""
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(scope="session")
def phys_addr_test(programs: Path) -> str:
    sources = (
        os.path.join(C_TESTS, "phys_addr_test.c"),
        os.path.join(TEMPLATES_C, "common", "phys_addr.c"),
        UIO_TABLE,
    )
    return build_native(str(programs / "phys_addr_test"), sources)


@pytest.fixture(scope="session")
def native_driver(programs: Path) -> str:
    """The UIO driver for this machine, unpatched, with sanitizers."""
    return build_native(str(programs / "native_driver"), driver_sources(UIO_TABLE))


@pytest.fixture(scope="session")
def native_learned_driver(programs: Path) -> str:
    """The same, of a system whose addresses are learned."""
    table = _table_with(programs, "uio_table_learned.c", "PHYS_ADDR_ASSIGNED", "PHYS_ADDR_LEARNED")
    return build_native(str(programs / "native_learned_driver"), driver_sources(table))


@pytest.fixture(scope="session")
def aarch64_driver(programs: Path) -> str:
    """The UIO driver as a build makes it, unpatched."""
    return build_driver(str(programs / "uio_block_driver.elf"), UIO_TABLE)


def _table_with(programs: Path, name: str, before: str, after: str) -> str:
    """The generated table with one fact changed."""
    with open(UIO_TABLE, encoding="utf-8") as file:
        text = file.read()
    assert text.count(before) == 1
    table = programs / name
    table.write_text(text.replace(before, after), encoding="utf-8")
    return str(table)


@pytest.fixture(scope="session")
def small_queue_table(programs: Path) -> str:
    """A table of queues that are easily full."""
    return _table_with(programs, "uio_table_small.c", "= 2048", f"= {SMALL_QUEUE}")


@pytest.fixture(scope="session")
def served_driver(programs: Path, small_queue_table: str) -> str:
    """The native driver on files that stand for UIO devices."""
    sources = (*driver_sources(small_queue_table), *wrap_sources("uio_device_wrap.c"))
    return _patched(
        build_native(str(programs / "served_driver"), sources, *wrap_flags("uio_device_wrap.c")), "_patched"
    )


@pytest.fixture(scope="session")
def faulty_driver(programs: Path, small_queue_table: str) -> str:
    """The same on a disk that misbehaves as the environment says."""
    sources = (*driver_sources(small_queue_table), *wrap_sources(*WRAPS))
    return _patched(build_native(str(programs / "faulty_driver"), sources, *wrap_flags(*WRAPS)), "_patched")


@pytest.fixture(scope="session")
def served_aarch64_driver(programs: Path, small_queue_table: str) -> str:
    """The driver for its target, on files that stand for UIO devices."""
    output = str(programs / "served_driver.elf")
    return _patched(build_driver(output, small_queue_table, wraps=("uio_device_wrap.c",)), ".patched")


@pytest.fixture
def linux(tmp_path: Path) -> FakeLinux:
    """The driver VM as it should be, not yet written."""
    return FakeLinux(str(tmp_path / "linux"))


def _patched(unpatched: str, suffix: str) -> str:
    path = unpatched + suffix
    shutil.copy(unpatched, path)
    for symbol, value in IO_BASES.items():
        patch_symbol(path, symbol, value)
    return path


@pytest.fixture(scope="session")
def patched_driver(native_driver: str) -> str:
    return _patched(native_driver, "_patched")


@pytest.fixture(scope="session")
def patched_aarch64_driver(aarch64_driver: str) -> str:
    return _patched(aarch64_driver, ".patched")
