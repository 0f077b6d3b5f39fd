"""Guests' files in VMMs' program images: where they go in RAM, and the device tree among them."""

from __future__ import annotations

import struct
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from sdfgen.emit.devicetree.nodes import ROOT_CELLS
from sdfgen.emit.devicetree.tree import Cells, Node, Property, blob
from sdfgen.existing.examine import examine
from sdfgen.existing.request import Request
from sdfgen.faults.render import as_text
from sdfgen.guest_files.embed import guest_object
from sdfgen.read.program import names_in

if TYPE_CHECKING:
    from pathlib import Path

SYSTEM = """<system>
  <memory_region name="ram" size="0x1000000" />
  <protection_domain name="vmm" priority="5">
    <program_image path="vmm.elf" />
    <map mr="ram" vaddr="0x40000000" perms="rw" />
    <virtual_machine name="linux">
      <vcpu id="0" />
      <map mr="ram" vaddr="0x40000000" perms="rwx" />
    </virtual_machine>
  </protection_domain>
</system>
"""


class Guest(NamedTuple):
    """What a VMM has for its guest."""

    text_offset: int = 0x80000
    image_size: int = 0x600000
    ram_bytes: int = 0x1000000
    initrd_bytes: int = 0x10000
    initrd: tuple[int, int] = (0x40800000, 0x40900000)
    dtb_at: int = 0x40F00000


def image(guest: Guest, folder: Path) -> Path:
    kernel = struct.pack("<8xQQQ24x4sI", guest.text_offset, guest.image_size, 0, b"ARM\x64", 0).ljust(0x2000, b"\1")
    start, end = (Cells((value,)) for value in guest.initrd)
    chosen = (Property("linux,initrd-start", (start,)), Property("linux,initrd-end", (end,)))
    memory = (
        Property("device_type", ("memory",)),
        Property("reg", (Cells((0, 0x40000000, 0, guest.ram_bytes)),)),
    )
    tree = blob(Node("/", ROOT_CELLS, (Node("chosen", chosen), Node("memory@40000000", memory))))
    files = {"kernel": kernel, "dtb": tree, "initrd": b"\1" * guest.initrd_bytes}
    (folder / "guest.o").write_bytes(guest_object(files))
    symbols = [f"--defsym={name}=0" for name in ("microkit_name", "microkit_ioports")]
    command = [sys.executable, "-m", "ziglang", "ld.lld", "guest.o", "--entry=0", *symbols, "-o", "vmm.elf"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "vmm.elf"


def told(guest: Guest, folder: Path) -> list[tuple[str, str, str, list[str]]]:
    image(guest, folder)
    (folder / "x.system").write_text(SYSTEM)
    (folder / "vmm.c").write_text(f"#define GUEST_DTB_GPA {guest.dtb_at:#x}\n")
    faults = examine(Request(str(folder / "x.system"), numbers=(str(folder / "vmm.c"),))).faults.sorted()
    return [
        (fault.code, fault.severity, fault.message, [words for _, words in fault.notes])
        for fault in faults
        if fault.code.startswith("SDF2")
    ]


def test_good_ones_have_nothing_told_of_them(tmp_path: Path) -> None:
    assert told(Guest(), tmp_path) == []


TREE = "its device tree at 0x40e00000..{dtb_end:#x}"
CASES = {
    "initrd_in_the_kernel": (
        Guest(image_size=0x900000),
        "error",
        "the initial RAM disk of `linux` at 0x40800000..0x40810000 lies over its kernel at 0x40080000..0x40980000",
        ["the kernel in here takes 9 MiB", "the initial RAM disk in here takes 64 KiB"],
    ),
    "device_tree_in_the_kernel": (
        Guest(dtb_at=0x40100000),
        "error",
        "the device tree of `linux` at 0x40100000..{dtb_end:#x} lies over its kernel at 0x40080000..0x40680000",
        None,
    ),
    "initrd_over_the_device_tree": (
        Guest(initrd_bytes=0x800000, initrd=(0x40700000, 0x40F00000), dtb_at=0x40E00000),
        "error",
        "the initial RAM disk of `linux` at 0x40700000..0x40f00000 lies over " + TREE,
        None,
    ),
    "kernel_behind_the_end_of_ram": (
        Guest(text_offset=0xA00000, image_size=0x700000, dtb_at=0x40100000),
        "error",
        "the kernel of `linux` at 0x40a00000..0x41100000 ends behind its RAM, which ends at 0x41000000",
        ["`ram` is mapped at 0x40000000..0x41000000"],
    ),
    "initrd_longer_than_the_tree_says": (
        Guest(initrd_bytes=0x200000),
        "warning",
        "the device tree of `linux` gives its initial RAM disk 1 MiB, and the file has 2 MiB",
        ["the file is in here", "it starts here"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_fault(case: str, tmp_path: Path) -> None:
    guest, severity, message, notes = CASES[case]
    found = [one for one in told(guest, tmp_path) if one[0] == "SDF223"]
    start = guest.dtb_at
    (first, *_) = found
    if "{dtb_end" in message:
        tree = first[2].rpartition("device tree")[2] if "over its device tree" in first[2] else first[2]
        end = int(tree.partition(f"{start:#x}..")[2].split()[0], 16)
        assert start < end < start + 0x1000
        message = message.format(dtb_end=end)
    assert (first[1], first[2]) == (severity, message)
    assert notes is None or first[3] == notes


def test_the_device_tree_in_an_image_is_judged(tmp_path: Path) -> None:
    found = told(Guest(ram_bytes=0x2000000), tmp_path)
    message = "the device tree of `linux` has 32 MiB of RAM at 0x40000000, and maps end at 0x41000000"
    assert [one[:3] for one in found] == [("SDF211", "error", message)]


def test_a_broken_device_tree_in_an_image_is_told(tmp_path: Path) -> None:
    path = image(Guest(), tmp_path)
    content = path.read_bytes()
    at = content.index(b"\xd0\x0d\xfe\xed")
    path.write_bytes(content[: at + 4] + b"\xff\xff\xff\xff" + content[at + 8 :])
    (tmp_path / "x.system").write_text(SYSTEM)
    faults = [fault for fault in examine(Request(str(tmp_path / "x.system"))).faults if fault.code == "SDF210"]
    assert len(faults) == 1, as_text(faults)
    assert faults[0].message.startswith(f"the device tree of `linux` in {str(path)!r} ")


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF\2\1" + b"\xff" * 200, b"#!/bin/sh\n" * 20])
def test_what_is_no_elf_has_no_names(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    assert names_in(str(tmp_path / "x")) == b""
    assert names_in(str(tmp_path / "nothing")) == b""
