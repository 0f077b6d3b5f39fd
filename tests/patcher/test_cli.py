from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from patcher import read_values
from patcher.cli import command
from tests.patcher.building import Elf

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], prog_name="patcher")


def test_a_patch_is_reported_as_a_table(copy: Path, tmp_path: Path) -> None:
    elf = Elf(copy)
    target = tmp_path / "patched"
    result = run(copy, "-o", target, "base_a=0x4000_0000", "small=0x0A:4", "tiny=255:auto")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[0] == ["symbol", "vaddr", "file", "offset", "old", "new"]
    offset = elf.data.index(bytes.fromhex("4444333322221111"))
    vaddr = elf.vaddr("base_a")
    assert rows[1:] == [
        ["base_a", f"{vaddr:#x}", f"{offset:#x}", "0x1111222233334444", "0x0000000040000000"],
        ["small", f"{vaddr + 16:#x}", f"{offset + 16:#x}", "0x00000009", "0x0000000a"],
        ["tiny", f"{vaddr + 20:#x}", f"{offset + 20:#x}", "0x01", "0xff"],
    ]
    assert (result.exit_code, result.stderr) == (0, "")
    assert read_values(str(target), ["base_a", "small", "tiny"]) == {"base_a": 2**30, "small": 10, "tiny": 255}


def test_in_place(copy: Path) -> None:
    assert run(copy, "base_a=7").exit_code == 0
    assert read_values(str(copy), ["base_a"]) == {"base_a": 7}


def test_json(copy: Path) -> None:
    result = run(copy, "--format", "json", "--dry-run", "small=1:4")
    vaddr = Elf(copy).vaddr("small")
    offset = Elf(copy).data.index(bytes.fromhex("4444333322221111")) + 16
    assert json.loads(result.stdout) == {
        "patches": [
            {
                "symbol": "small",
                "size_bytes": 4,
                "vaddr": f"{vaddr:#x}",
                "file_offset": f"{offset:#x}",
                "old": "0x00000009",
                "new": "0x00000001",
            }
        ],
        "warnings": [],
    }


def test_a_dry_run_writes_nothing(copy: Path, tmp_path: Path) -> None:
    before = copy.read_bytes()
    assert run(copy, "--dry-run", "-o", tmp_path / "patched", "base_a=7").exit_code == 0
    assert copy.read_bytes() == before
    assert not (tmp_path / "patched").exists()


def test_verify_only(copy: Path) -> None:
    assert run(copy, "--verify-only", "small=9:4").exit_code == 0
    result = run(copy, "--verify-only", "small=8:4")
    vaddr = Elf(copy).vaddr("small")
    assert result.stderr == (
        "at fault is the file that was given:\n"
        f"{copy}: error[PATCH020]: `small` at {vaddr:#x} is 0x9 instead of 0x8; patch the file\n"
    )
    assert (result.exit_code, result.stdout) == (1, "")


def test_all_faults_go_to_stderr_by_who_is_to_blame(copy: Path) -> None:
    result = run(copy, "base_c=1", "zero=1", "small=1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "at fault is what was asked for:\n"
        f"{copy}: error[PATCH007]: no symbol is named `base_c`; did you mean `base_b` or `base_a`?\n"
        f"{copy}: error[PATCH010]: `small` has 4 bytes, 8 requested; change its type or the request\n"
        "at fault is the file that was given:\n"
        f"{copy}: error[PATCH012]: `zero` is in .bss and has no bytes in the file; initialise it with a value not 0\n"
    )


def test_faults_as_json(copy: Path) -> None:
    result = run(copy, "--format", "json", "small=1")
    assert (result.exit_code, result.stderr) == (1, "")
    assert json.loads(result.stdout) == {
        "faults": [
            {
                "code": "PATCH010",
                "blame": "call",
                "message": "`small` has 4 bytes, 8 requested; change its type or the request",
                "path": str(copy),
                "symbol": "small",
            }
        ]
    }


@pytest.mark.parametrize(
    "argument",
    [
        "base_a",
        "base_a=",
        "=1",
        "base_a=one",
        "base_a=2 MiB",
        "base_a=1:3",
        "base_a=1:",
        "base_a=0x",
        "base_a=1__0",
        "base_a=_1",
        "base_a=1_",
        "base_a=0b1",
        "base_a=\u0661",
        "base_a=[]",
        "base_a=[1,]",
        "base_a=[1 2]",
        "base_a=[1",
        'base_a="text',
        'base_a="text":x',
        "base_a=" + "9" * 5000,
    ],
)
def test_arguments_of_another_form(copy: Path, argument: str) -> None:
    result = run(copy, argument)
    shown = f"{argument[:80]!r} is not SYMBOL=VALUE[:SIZE], such as base=0x4000_0000, flag=1:4"
    message = f'{shown}, bases=[1, 2] or name="disk"'
    assert result.stderr.splitlines()[-1] == f"Error: Invalid value for 'SYMBOL=VALUE[:SIZE]...]': {message}"
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize("arguments", [[], ["file"], ["file", "--verify-only", "-o", "x", "a=1"]])
def test_usage(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_a_negative_value_is_a_fault_of_its_own(copy: Path) -> None:
    result = run(copy, "base_a=-1")
    assert result.exit_code == 1
    assert "[PATCH011]: the value of `base_a`, -1, is negative; values are unsigned" in result.stderr


@pytest.mark.parametrize("argument", [b"base_\xff=1", b"base_\xed\xa0\x80=1"])
def test_arguments_that_are_no_utf8(static: Path, argument: bytes) -> None:
    arguments = [sys.executable, "-m", "patcher", str(static), os.fsdecode(argument)]
    done = subprocess.run(arguments, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"error[PATCH007]: no symbol is named" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_module_that_runs(copy: Path) -> None:
    arguments = [sys.executable, "-m", "patcher", str(copy), "base_a=7"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert "0x0000000000000007" in done.stdout
    assert done.stderr == ""
