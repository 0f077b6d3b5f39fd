"""The processor is the last judge: a patched program runs with the new values."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from patcher import PatchRequest, patch_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.patcher.building import Builder

EMULATOR = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
OPTIONS = ("-ffreestanding", "-nostdlib", "-O1")


def runner(machine: str) -> list[str]:
    if sys.platform == "linux" and platform.machine() == machine:
        return []
    if machine == "aarch64" and EMULATOR:
        return [EMULATOR]
    pytest.skip(f"nothing here runs {machine} programs")


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_a_program_exits_with_the_patched_value(builder: Builder, tmp_path: Path, machine: str) -> None:
    run = runner(machine)
    program = builder.cc(f"exits-{machine}", "-target", f"{machine}-freestanding", *OPTIONS, sources=("exits.c",))
    patched = tmp_path / "patched"
    patch_file(str(program), str(patched), [PatchRequest("status", 42)])
    assert subprocess.run([*run, str(program)], check=False).returncode == 1
    assert subprocess.run([*run, str(patched)], check=False).returncode == 42


def test_a_static_linux_driver(builder: Builder, tmp_path: Path) -> None:
    driver = builder.cc("driver", "-target", "aarch64-linux-musl", "-static", "-O1", "-g", sources=("driver.c",))
    patched = tmp_path / "patched"
    requests = [PatchRequest("data_paddr", 0x7000_0000), PatchRequest("regions[1].paddr", 0x6012_3000)]
    patch_file(str(driver), str(patched), requests)
    output = subprocess.run([*runner("aarch64"), str(patched)], check=True, capture_output=True, text=True).stdout
    assert output == "0x70000000 0x60123000\n"
