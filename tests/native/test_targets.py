"""The same C for its targets: the driver for Linux on AArch64, and objects for protection domains."""

from __future__ import annotations

import glob
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile

from .elf import place, undefined_symbols
from .facts import IO_BASES, PAGE, page
from .toolchain import (
    TEMPLATES_C,
    TWO_CLIENTS,
    build_driver,
    build_native,
    build_pd_object,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .fake_uio import FakeLinux

QEMU = "qemu-aarch64-static"
SIZE_LIMIT_BYTES = 300 * 1024
PD_SOURCES = {
    "phys_addr": os.path.join(TEMPLATES_C, "common", "phys_addr.c"),
    **{
        name: os.path.join(TWO_CLIENTS, name + ".c")
        for name in (
            "block_virt_table",
            "driver_vmm_table",
            "client_vmm_table",
            "two_disks_vmm_table",
            "native_block_table",
            "guest_timer_table",
        )
    },
}
# The kinds of devices that a VMM's table names.
KINDS = {
    "driver_vmm_table": {"vmm_pl011_kind", "vmm_uio_kind"},
    "client_vmm_table": {"vmm_pl011_kind", "vmm_virtio_blk_kind"},
    "two_disks_vmm_table": {"vmm_pl011_kind", "vmm_virtio_blk_kind"},
}
HEADERS = sorted(glob.glob(os.path.join(TEMPLATES_C, "**", "*.h"), recursive=True))


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


@pytest.fixture(scope="session")
def driver_elf(aarch64_driver: str) -> Iterator[ELFFile]:
    with open(aarch64_driver, "rb") as file:
        yield ELFFile(file)


@pytest.fixture(scope="session")
def pd_objects(programs: Path) -> dict[str, str]:
    return {name: build_pd_object(str(programs / f"{name}.o"), path) for name, path in PD_SOURCES.items()}


def test_driver_is_a_small_static_program(driver_elf: ELFFile, aarch64_driver: str) -> None:
    assert (driver_elf["e_machine"], driver_elf["e_type"]) == ("EM_AARCH64", "ET_EXEC")
    kinds = [segment["p_type"] for segment in driver_elf.iter_segments()]
    assert "PT_INTERP" not in kinds
    assert "PT_DYNAMIC" not in kinds
    assert os.path.getsize(aarch64_driver) < SIZE_LIMIT_BYTES


def test_driver_can_be_patched(driver_elf: ELFFile, aarch64_driver: str) -> None:
    content = read(aarch64_driver)
    for name in IO_BASES:
        found = place(driver_elf, name)
        assert found[:4] == (".data", "SHT_PROGBITS", 8, "STB_GLOBAL")
        assert content[found.offset : found.offset + 8] == b"\xff" * 8


def test_driver_carries_no_debug_information(driver_elf: ELFFile, aarch64_driver: str) -> None:
    assert not [s.name for s in driver_elf.iter_sections() if s.name.startswith(".debug")]
    content = read(aarch64_driver)
    assert os.path.expanduser("~").encode() + b"/" not in content
    assert TEMPLATES_C.encode() not in content


def test_driver_is_the_same_from_any_folder(aarch64_driver: str, tmp_path: Path) -> None:
    templates = shutil.copytree(TEMPLATES_C, tmp_path / "elsewhere" / "c")
    table = tmp_path / "block_uio_table.c"
    shutil.copy(os.path.join(TWO_CLIENTS, "block_uio_table.c"), table)
    again = build_driver(str(tmp_path / "again.elf"), str(table), str(templates))
    assert read(again) == read(aarch64_driver)


@pytest.mark.skipif(shutil.which(QEMU) is None, reason=f"{QEMU} is not installed (Debian: qemu-user-static)")
def test_driver_runs_on_aarch64(linux: FakeLinux, aarch64_driver: str, patched_aarch64_driver: str) -> None:
    qemu = shutil.which(QEMU) or QEMU
    done = linux.write().run([qemu, patched_aarch64_driver], "--list")
    assert (done.stderr, done.returncode) == ("", 0)
    assert "client2_0_data       block-uio1   uio1/map3  0x80e00000" in done.stdout
    assert done.stdout.count("\n") == 10
    assert "never patched" in linux.run([qemu, aarch64_driver], "--list").stderr
    with open(os.path.join(linux.dev, "uio0"), "r+b") as node:
        node.seek(2 * PAGE)
        node.write(page())
    assert "no entries" in linux.run([qemu, patched_aarch64_driver], "--list").stderr


@pytest.mark.parametrize("name", PD_SOURCES)
def test_pd_object_needs_only_its_kinds_of_devices(pd_objects: dict[str, str], name: str) -> None:
    with open(pd_objects[name], "rb") as file:
        elf = ELFFile(file)
        assert (elf["e_machine"], elf["e_type"]) == ("EM_AARCH64", "ET_REL")
        assert set(undefined_symbols(elf)) == KINDS.get(name, set())


@pytest.mark.parametrize("name", ["block_virt_table", "driver_vmm_table"])
def test_pd_table_can_be_patched(pd_objects: dict[str, str], name: str) -> None:
    with open(pd_objects[name], "rb") as file:
        elf = ELFFile(file)
        names = [section.name for section in elf.iter_sections()]
        data = elf.get_section(names.index(".data"))
        assert data.data() == b"\xff" * 8 * len(IO_BASES)
        for symbol in IO_BASES:
            assert place(elf, symbol)[:4] == (".data", "SHT_PROGBITS", 8, "STB_GLOBAL")
        assert ".rela.data" not in names


def test_pd_objects_are_the_same_from_any_folder(pd_objects: dict[str, str], tmp_path: Path) -> None:
    templates = shutil.copytree(TEMPLATES_C, tmp_path / "elsewhere" / "c")
    source = os.path.join(templates, "common", "phys_addr.c")
    again = build_pd_object(str(tmp_path / "again.o"), source, str(templates))
    assert read(again) == read(pd_objects["phys_addr"])


MICROKIT = os.path.join(os.path.dirname(__file__), "libvmm", "include")
"""What stands for Microkit's headers, which the VMM's have types of."""


@pytest.mark.parametrize("header", HEADERS, ids=os.path.basename)
def test_header_stands_alone(header: str, tmp_path: Path) -> None:
    """Which is also where the wire layouts' static asserts are checked natively."""
    source = tmp_path / "alone.c"
    source.write_text(f'#include "{header}"\n#include "{header}"\nextern int something;\n')
    build_native(str(tmp_path / "alone.o"), [str(source)], "-c", "-isystem", MICROKIT)


def test_headers_agree(tmp_path: Path) -> None:
    source = tmp_path / "all.c"
    source.write_text("".join(f'#include "{header}"\n' for header in HEADERS))
    build_native(str(tmp_path / "all.o"), [str(source)], "-c", "-isystem", MICROKIT)
