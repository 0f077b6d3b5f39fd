from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.patcher.building import FREESTANDING, Builder


@pytest.fixture(scope="session")
def builder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Builder:
    cache = getattr(request.config, "cache", None)
    return Builder(cache.mkdir("elf") if cache else tmp_path_factory.mktemp("elf"))


@pytest.fixture(scope="session")
def static(builder: Builder) -> Path:
    """A static executable with debug information in DWARF 4."""
    return builder.cc("static", *FREESTANDING, "-gdwarf-4", sources=("variables.c", "other.c"))


@pytest.fixture(scope="session")
def pie(builder: Builder) -> Path:
    """A position-independent executable with debug information in DWARF 5."""
    return builder.cc("pie", *FREESTANDING, "-gdwarf-5", "-fPIE", "-pie", sources=("variables.c", "other.c"))


def objects_of(builder: Builder, option: str) -> tuple[Path, ...]:
    return tuple(
        builder.cc(f"{name}.o", *FREESTANDING[:-1], option, "-g0", "-c", sources=(f"{name}.c",))
        for name in ("variables", "other")
    )


@pytest.fixture(scope="session")
def relr(builder: Builder) -> Path:
    """A position-independent executable whose relocations are packed in DT_RELR."""
    options = ("-m", "aarch64elf", "-pie", "--pack-dyn-relocs=relr")
    return builder.lld("relr", *options, objects=objects_of(builder, "-fPIE"))


@pytest.fixture(scope="session")
def emit_relocs(builder: Builder) -> Path:
    """A static executable that keeps the relocations which the linker has applied."""
    return builder.lld("emit_relocs", "-m", "aarch64elf", "--emit-relocs", objects=objects_of(builder, "-fno-PIE"))


@pytest.fixture(scope="session")
def relocatable(builder: Builder) -> Path:
    """An object file that is not linked."""
    return builder.cc("other.o", *FREESTANDING[:-1], "-fPIE", "-g0", "-c", sources=("other.c",))


@pytest.fixture(scope="session")
def many(builder: Builder) -> Path:
    """An executable with 20,000 variables."""
    lines = [
        f".globl value_{n}\n.type value_{n}, %object\n.size value_{n}, 8\nvalue_{n}: .quad {n}" for n in range(20_000)
    ]
    return builder.assembled("many", "\n".join([".data", *lines, ".text", ".globl _start", "_start: nop", ""]))


@pytest.fixture
def copy(static: Path, tmp_path: Path) -> Path:
    """A copy of `static` that a test may change."""
    return Path(shutil.copy(static, tmp_path / "copy.elf"))
