"""A step that fails leaves no result, is told at the table that it was done for, and is done when its cause is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.build.slow_compiler import SlowCompiler

if TYPE_CHECKING:
    from pathlib import Path

BOARD: Final = "qemu_virt_aarch64"
DESCRIPTION: Final = """\
[system]
name = "failing"
boards = ["qemu_virt_aarch64"]
[[guest]]
name = "storage"
devices = ["virtio_mmio31"]
[[guest]]
name = "one"
disk = [{ partition = 0 }]
[[protection_domain]]
name = "native"
program_image = "native.elf"
disk = [{ partition = 1 }]
priority = 10
[block]
driver = "storage"
storage = "/dev/vda"
[toolchain]
cc = "PREFIX"
"""
TABLE: Final = "src/block_virt_table.c"
LIBRARY: Final = "obj/libpd.a"
DRIVER: Final = "obj/block_uio_driver.elf"
# What the compiler does to which step; what is missing then; path in the description, and words of the message.
FAILURES: Final = {
    "a table of a guest": (
        "complain",
        "src/one_vmm_table.c",
        "obj/pd/src/one*",
        "guest[1].name",
        "expected expression",
    ),
    "a table of a subsystem": ("complain", TABLE, "obj/pd/src/block*", "block", f"compile {TABLE}: expected"),
    "a table of a native client": (
        "fail",
        "src/native_block_table.c",
        "obj/pd/src/native*",
        "protection_domain[0].name",
        "want to",
    ),
    "a table that is half written": ("half", TABLE, "obj/pd/src/block*", "block", "it failed"),
    "plain C": ("fail", "c/pd/", "obj/pd/c/pd/*", "toolchain.cc", "it does not want to"),
    "all plain C": ("fail", "-c c/", "obj/pd/c/*/*", "toolchain.cc", "more steps fail alike"),
    "the archive": ("fail", "rcsD", LIBRARY, "toolchain.cc", f"make {LIBRARY}"),
    "a link": ("fail", "-static", DRIVER, "block", "link block_uio_driver.elf"),
    "a link that is half written": ("half", "-static", DRIVER, "block", "link block_uio_driver.elf"),
}


@pytest.fixture
def compiler(tmp_path: Path) -> SlowCompiler:
    found = SlowCompiler(tmp_path / "cc")
    (tmp_path / "system.toml").write_text(DESCRIPTION.replace("PREFIX", found.prefix))
    return found


def build(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in {"MICROKIT_SDK", "LIBVMM"}}
    command = [sys.executable, "-m", "sdfgen", "build", "system.toml", "-q", *more]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def published(folder: Path) -> dict[str, bytes]:
    final = folder / "build" / BOARD
    return {str(path.relative_to(final)): path.read_bytes() for path in sorted(final.rglob("*")) if path.is_file()}


def test_each_kind_of_step_fails_and_then_succeeds(tmp_path: Path, compiler: SlowCompiler) -> None:
    """One folder for all: what fails now was good a moment ago, and the next build is the good one again."""
    assert build(tmp_path).returncode == 0
    good = published(tmp_path)
    for what, step, missing, path, words in FAILURES.values():
        compiler.will(what, step)
        (tmp_path / "build" / ".state.json").unlink()
        for name in (tmp_path / "build" / f".{BOARD}").glob(missing):
            name.unlink()
        for _ in range(2):
            failed = build(tmp_path, "--format", "json")
            faults = json.loads(failed.stdout)["faults"]
            assert failed.returncode == 1
            assert failed.stderr == ""
            assert [(fault["code"], fault["path"]) for fault in faults] == [("SDF161", path)], step
            assert words in faults[0]["message"], step
            assert published(tmp_path) == good
        assert (tmp_path / "build" / f".{BOARD}" / "obj" / "failed.log").exists()
        compiler.will_work()
        assert build(tmp_path).returncode == 0, step
        assert published(tmp_path) == good, step
        assert not (tmp_path / "build" / f".{BOARD}" / "obj" / "failed.log").exists()


def test_a_complaint_is_shown_where_it_is_and_whence_it_comes(tmp_path: Path, compiler: SlowCompiler) -> None:
    compiler.will("complain", "src/one_vmm_table.c")
    failed = build(tmp_path)
    assert failed.stderr.startswith(
        "system.toml:8:8: error[SDF161]: compile src/one_vmm_table.c: expected expression\n"
        '    8 | name = "one"\n      |        ^^^^^\n'
        f"  build/.{BOARD}/src/one_vmm_table.c:3:7: note: expected expression\n"
    )
    assert f"help: all that it wrote is in build/.{BOARD}/obj/failed.log\n" in failed.stderr
    assert failed.stdout == ""


def test_what_fails_is_told_of_every_board(tmp_path: Path, compiler: SlowCompiler) -> None:
    path = tmp_path / "system.toml"
    path.write_text(path.read_text().replace(f'["{BOARD}"]', f'["{BOARD}", "odroidc4"]').replace('"virtio_mmio31"', ""))
    compiler.will("fail", TABLE)
    faults = json.loads(build(tmp_path, "--format", "json").stdout)["faults"]
    assert [fault["code"] for fault in faults if fault["severity"] == "error"] == ["SDF161"], "alike on both"
    for board in (BOARD, "odroidc4"):
        assert not (tmp_path / "build" / board).exists()
        assert (tmp_path / "build" / f".{board}" / "obj" / "failed.log").exists()
