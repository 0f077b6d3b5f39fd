"""Relocations to the byte: which of a variable's bytes one covers, and where its table ends in the file."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from patcher import PatchRequest, patch_file
from tests.patcher.building import DYNAMIC, SECTION, SEGMENT, Elf
from tests.patcher.test_faults import fault_of

if TYPE_CHECKING:
    from pathlib import Path

RELOCATION_BYTES = 8
# Section type, and what it names its entries; each holds one address first.
REL, RELA, RELR = (9, 16), (4, 24), (19, 8)
VARIABLES = {"base_a": 8, "small": 4, "tiny": 1}


def relocating(elf: Elf, address: int, kind: tuple[int, int] = RELA, entries: int = 1) -> None:
    """Make the file's last bytes its only relocation table, of one relocation; the header may promise more."""
    elf.set(SEGMENT, elf.segments(2)[0], type=0)
    number, entry_bytes = kind
    elf.section(".rela.dyn", type=number, offset=len(elf.data), size=entries * entry_bytes)
    elf.data += struct.pack("<Q", address).ljust(entry_bytes, b"\0")


def written(elf: Elf, tmp_path: Path) -> Path:
    path = tmp_path / "edited"
    path.write_bytes(elf.data)
    return path


# From before the first byte that reaches into the variable to behind its last one.
OVERLAPS = [(name, delta) for name, size in VARIABLES.items() for delta in range(-RELOCATION_BYTES - 1, size + 2)]


@pytest.mark.parametrize(("name", "delta"), OVERLAPS)
def test_a_relocation_that_covers_any_byte_of_a_variable_is_told(
    pie: Path, tmp_path: Path, name: str, delta: int
) -> None:
    elf, size = Elf(pie), VARIABLES[name]
    vaddr = elf.vaddr(name)
    relocating(elf, vaddr + delta)
    path = written(elf, tmp_path)
    request = PatchRequest(name, 1, size)
    if -RELOCATION_BYTES < delta < size:
        assert str(fault_of(path, tmp_path, request)) == (
            f"{path}: error[PATCH014]: the loader relocates `{name}` at {vaddr:#x} and overwrites the value;"
            " initialise it with a number instead of an address"
        )
    else:
        (record,) = patch_file(str(path), str(tmp_path / "patched"), [request])
        assert (record.vaddr, record.new) == (vaddr, b"\1".ljust(size, b"\0"))


@pytest.mark.parametrize("kind", [REL, RELA, RELR])
def test_a_table_may_end_where_the_file_does(pie: Path, tmp_path: Path, kind: tuple[int, int]) -> None:
    elf = Elf(pie)
    relocating(elf, elf.vaddr("base_a"), kind)
    assert fault_of(written(elf, tmp_path), tmp_path, PatchRequest("base_a", 1)).code == "PATCH014"


@pytest.mark.parametrize("kind", [REL, RELA, RELR])
def test_a_table_that_runs_beyond_the_file_is_told(pie: Path, tmp_path: Path, kind: tuple[int, int]) -> None:
    elf = Elf(pie)
    start, number = len(elf.data), list(elf.sections()).index(".rela.dyn")
    relocating(elf, elf.vaddr("pointer"), kind, entries=2)
    path = written(elf, tmp_path)
    entry_bytes = kind[1]
    assert str(fault_of(path, tmp_path, PatchRequest("base_a", 1))) == (
        f"{path}: error[PATCH004]: section {number} is at {start:#x}..{start + 2 * entry_bytes:#x},"
        f" beyond the end of the file at {start + entry_bytes:#x}; copy or link it again"
    )


def test_a_table_that_the_loader_finds_and_that_runs_beyond_the_file_is_told(pie: Path, tmp_path: Path) -> None:
    elf = Elf(pie)
    start = elf.get(SECTION, elf.sections()[".rela.dyn"], "offset")
    size = ((len(elf.data) - start) // RELA[1] + 1) * RELA[1]
    elf.set(DYNAMIC, elf.dynamic(8), value=size)
    path = written(elf, tmp_path)
    assert str(fault_of(path, tmp_path, PatchRequest("base_a", 1))) == (
        f"{path}: error[PATCH004]: a relocation table is at {start:#x}..{start + size:#x},"
        f" beyond the end of the file at {len(elf.data):#x}; copy or link it again"
    )
