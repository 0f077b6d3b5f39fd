"""Each program is compiled once a session."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from .elf import patch_symbol
from .facts import IO_BASES
from .fake_uio import FakeLinux
from .toolchain import C_TESTS, TEMPLATES_C, TWO_CLIENTS, build_driver, build_native, driver_sources

if TYPE_CHECKING:
    from pathlib import Path

UIO_TABLE = os.path.join(TWO_CLIENTS, "uio_table.c")


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
    with open(UIO_TABLE, encoding="utf-8") as file:
        text = file.read()
    assert text.count("PHYS_ADDR_ASSIGNED") == 1
    table = programs / "uio_table_learned.c"
    table.write_text(text.replace("PHYS_ADDR_ASSIGNED", "PHYS_ADDR_LEARNED"), encoding="utf-8")
    return build_native(str(programs / "native_learned_driver"), driver_sources(str(table)))


@pytest.fixture(scope="session")
def aarch64_driver(programs: Path) -> str:
    """The UIO driver as a build makes it, unpatched."""
    return build_driver(str(programs / "uio_blk_driver.elf"), UIO_TABLE)


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
