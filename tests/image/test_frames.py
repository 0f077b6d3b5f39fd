"""What functions take of the stack: instruction by instruction, and as a compiler counts it."""

from __future__ import annotations

import shutil
import struct
import subprocess
from typing import TYPE_CHECKING, Final

import pytest
from elftools.elf.elffile import ELFFile

from sdfgen.read.stack_use import frames_bytes

if TYPE_CHECKING:
    from pathlib import Path

GCC: Final = "aarch64-linux-gnu-gcc"
INSTRUCTIONS: Final = {
    "sub sp, sp, #1008": (0xD10F_C3FF, 1008),
    "sub x9, sp, #24, lsl #12": (0xD140_63E9, 24 << 12),
    "stp x29, x30, [sp, #-48]!": (0xA9BD_7BFD, 48),
    "stp w1, w0, [sp, #-8]!": (0x29BF_03E1, 8),
    "stp d9, d8, [sp, #-64]!": (0x6DBC_23E9, 64),
    "stp q1, q0, [sp, #-32]!": (0xADBF_03E1, 32),
    "str x30, [sp, #-16]!": (0xF81F_0FFE, 16),
    "str q0, [sp, #-256]!": (0x3C90_0FE0, 256),
    "add sp, sp, #1008": (0x910F_C3FF, 0),
    "sub x0, x1, #16": (0xD100_4020, 0),
    "subs x0, sp, #16": (0xF100_43E0, 0),
    "stp x20, x19, [sp, #32]": (0xA902_4FF4, 0),
    "ldp x29, x30, [sp], #48": (0xA8C3_7BFD, 0),
    "str x30, [sp, #16]!": (0xF801_0FFE, 0),
    "stp x1, x0, [x2, #-16]!": (0xA9BF_0041, 0),
    "ldr x0, [sp, #-16]!": (0xF85F_0FE0, 0),
}
SOURCE: Final = """\
int fill(char *);
int small(int i) { char at[40]; return fill(at) + at[i]; }
int large(int i) { char at[100000]; return fill(at) + at[i]; }
int aligned(int i) { _Alignas(64) char at[64]; return fill(at) + at[i]; }
double floating(double a, double b, double c) { char at[16]; return fill(at) + a * fill(at) + b * fill(at) + c; }
"""


@pytest.mark.parametrize("text", INSTRUCTIONS)
def test_an_instruction_takes_what_it_lowers_the_stack_pointer_by(text: str) -> None:
    word, taken_bytes = INSTRUCTIONS[text]
    assert frames_bytes(struct.pack("<I", word)) == taken_bytes


def test_all_instructions_add_up_and_what_is_no_whole_one_is_left_out() -> None:
    words = [word for word, _ in INSTRUCTIONS.values()]
    code = struct.pack(f"<{len(words)}I", *words)
    assert frames_bytes(code + b"\xff\xc3\x0f") == sum(taken for _, taken in INSTRUCTIONS.values())


@pytest.mark.parametrize("level", ["-O0", "-O1", "-O2", "-Os"])
def test_frames_are_those_that_the_compiler_reports(level: str, tmp_path: Path) -> None:
    if shutil.which(GCC) is None:
        pytest.skip(f"not installed: {GCC}")
    (tmp_path / "source.c").write_text(SOURCE)
    subprocess.run([GCC, level, "-fstack-usage", "-c", "source.c"], cwd=tmp_path, check=True)
    reported = [int(line.split("\t")[1]) for line in (tmp_path / "source.su").read_text().splitlines()]
    with (tmp_path / "source.o").open("rb") as file:
        section = ELFFile(file).get_section_by_name(".text")
        assert section is not None
        code = section.data()
    assert frames_bytes(code) == sum(reported)
