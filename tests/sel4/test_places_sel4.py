"""Where regions lie when a system runs: where the tool says they do, if anybody is told of it."""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen import outputs
from sdfgen.image.placed import read_placed
from tests.guest.driver_vm import RAM, RAM_BYTES

from .stacks import small_pages
from .test_stacks_sel4 import BOARD, in_file, link_domain
from .trial import QEMU, needed, sdfgen

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sel4

TIMEOUT_S: Final = 90
WORDS, MARK = 16, 0x5344_4647_4553_4C34
DESCRIPTION: Final = """\
[system]
name = "marked"
boards = ["qemu_virt_aarch64"]
[[protection_domain]]
name = "mark"
program_image = "mark.elf"
[[memory_region]]
name = "small"
size = 0x1000
[[memory_region]]
name = "told"
size = 0x1000
[[map]]
pd = "mark"
mr = "small"
vaddr = 0x1000_0000
[[map]]
pd = "mark"
mr = "told"
vaddr = 0x1000_1000
[[setvar]]
pd = "mark"
symbol = "told_paddr"
region_paddr = "told"
"""


def found_at(ram: Path, mark: int) -> int | None:
    """The physical address of a page that begins with a mark."""
    with ram.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as memory:
        offset = memory.find(struct.pack("<Q", mark) * WORDS)
    return None if offset < 0 else RAM + offset


def test_a_told_region_lies_where_the_tool_says(tmp_path: Path) -> None:
    needed(lambda: None, QEMU)
    link_domain(tmp_path, "mark")
    (tmp_path / "system.toml").write_text(DESCRIPTION)
    ram = tmp_path / "ram"
    ram.touch()
    with ram.open("r+b") as file:
        file.truncate(RAM_BYTES)
    options = ("--timeout", str(TIMEOUT_S), "--expect", "mark: written", *in_file(ram))
    done = sdfgen("run", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    board = tmp_path / "build" / BOARD
    extents = read_placed(str(board)).extents().regions
    told = extents["told"].address
    assert told is not None
    assert found_at(ram, MARK ^ told) == told
    small = found_at(ram, MARK)
    if (board / outputs.CAPDL).exists():
        assert extents["small"].address is None
        assert small == small_pages(board)["frame_mr_small_000000000"]
    else:
        assert small == extents["small"].address
    ram.unlink()
