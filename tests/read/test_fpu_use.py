"""FPU instructions are found where code is, and data between code is no instruction."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe
from sdfgen.read.fpu_use import fpu_instruction

if TYPE_CHECKING:
    from pathlib import Path

BASE = 0x20_0000
NAMES = {"microkit_name": 64, "microkit_ioports": 8}
SYMBOLS = ".data\n" + "".join(f".globl {name}\n{name}: .zero {size}\n" for name, size in NAMES.items()) + ".text\n"
# Assembly, and which of its words is the first of the FPU's.
PROGRAMS = {
    "integers": ("add x0, x1, x2\n stp x29, x30, [sp, #-16]!\n ldr x1, [x2]\n ldaxr x1, [x2]\n ret", None),
    "add": ("nop\n fadd d0, d1, d2\n ret", 1),
    "load": ("nop\n nop\n ldr q0, [x0]\n ret", 2),
    "pair": ("stp q0, q1, [sp, #-32]!\n ret", 0),
    "single": ("ret\n st1 {v0.16b}, [x0]", 1),
    "move": ("fmov d0, x0\n ret", 0),
    "data": ("ldr x0, 1f\n ret\n1: .quad 0x3dffffff3dffffff", None),
    "behind data": ("ldr w0, 1f\n ret\n1: .word 0x3dffffff\n nop\n scvtf d0, x0", 4),
}
DESCRIPTION = """\
[system]
name = "raw"
boards = ["qemu_virt_aarch64"]

[[protection_domain]]
name = "alone"
program_image = "alone.elf"
{fpu}
"""


def link(folder: Path, assembly: str) -> str:
    """A program of this code at BASE."""
    (folder / "code.s").write_text(f"{SYMBOLS}.globl _start\n_start:\n {assembly}\n")
    zig = [sys.executable, "-m", "ziglang"]
    target = ["-target", "aarch64-freestanding"]
    subprocess.run([*zig, "cc", *target, "-c", "code.s", "-o", "code.o"], cwd=folder, check=True)
    subprocess.run(
        [*zig, "ld.lld", "code.o", f"-Ttext={BASE:#x}", "--image-base=0x100000", "-o", "alone.elf"],
        cwd=folder,
        check=True,
    )
    return str(folder / "alone.elf")


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_first_instruction_of_the_fpu_is_found(tmp_path: Path, name: str) -> None:
    assembly, index = PROGRAMS[name]
    assert fpu_instruction(link(tmp_path, assembly)) == (None if index is None else BASE + 4 * index)


@pytest.mark.parametrize(
    ("name", "fpu", "told"),
    [
        ("add", "fpu = false", True),
        ("add", "fpu = true", False),
        ("add", "", False),
        ("integers", "fpu = false", False),
    ],
)
def test_a_domain_without_it_is_warned_of(tmp_path: Path, name: str, fpu: str, told: bool) -> None:
    link(tmp_path, PROGRAMS[name][0])
    (tmp_path / "system.toml").write_text(DESCRIPTION.format(fpu=fpu))
    found = describe(str(tmp_path / "system.toml")).faults
    expected = "program image 'alone.elf' of `alone`, which has no FPU, uses it at 0x200004"
    assert [(f.message, f.severity, f.where.text) for f in found] == (
        [(expected, "warning", "protection_domain[0].fpu")] if told else []
    )
