"""A build that is interrupted ends what it started first; the next one waits for what is left, and is told so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.build.slow_compiler import SlowCompiler

if TYPE_CHECKING:
    from pathlib import Path

BOARD: Final = "qemu_virt_aarch64"
PATIENCE_S: Final = 30
DESCRIPTION: Final = """\
[system]
name = "slow"
boards = ["qemu_virt_aarch64"]
[[guest]]
name = "linux"
[toolchain]
cc = "{prefix}"
"""


pytestmark = pytest.mark.usefixtures("heeded_interrupts")


@pytest.fixture
def compiler(tmp_path: Path) -> SlowCompiler:
    found = SlowCompiler(tmp_path / "cc")
    (tmp_path / "system.toml").write_text(DESCRIPTION.format(prefix=found.prefix))
    return found


def start(folder: Path, *more: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name not in {"MICROKIT_SDK", "LIBVMM"}}
    command = [sys.executable, "-m", "sdfgen", "build", "system.toml", *more]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def until(happened: object) -> None:
    assert callable(happened)
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["INT", "TERM", "HUP"],
)
def test_children_end_first(tmp_path: Path, compiler: SlowCompiler, number: signal.Signals, status: int) -> None:
    compiler.will("sleep", "-c")
    with start(tmp_path, "-q", "-j", "2") as process:
        until(lambda: len(compiler.pids()) >= 2)
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, said) == (status, f"sdfgen: interrupted by {number.name}\n")
    assert not any(map(lives, compiler.pids()))
    assert not (tmp_path / "build" / BOARD).exists()
    compiler.will_work()
    with start(tmp_path) as process:
        out, said = process.communicate(timeout=10 * PATIENCE_S)
    assert process.returncode == 0, said
    assert "waiting for another" not in said
    assert "elf" in out or "dtb" in out


def test_who_waits_is_told_for_whom(tmp_path: Path, compiler: SlowCompiler) -> None:
    compiler.will("sleep", "-c")
    with start(tmp_path, "-q") as first:
        until(compiler.pids)
        with start(tmp_path, "-q") as second:
            assert second.stderr is not None
            assert second.stderr.readline() == f"sdfgen: waiting for another build in build (process {first.pid})\n"
            second.send_signal(signal.SIGTERM)
            assert second.wait(PATIENCE_S) == 143
            assert second.stderr.read() == "sdfgen: interrupted by SIGTERM\n"
        first.terminate()


def test_after_a_kill_the_next_build_waits_for_what_is_left(tmp_path: Path, compiler: SlowCompiler) -> None:
    compiler.will("sleep", "-c")
    with start(tmp_path, "-q") as first:
        until(compiler.pids)
        first.kill()
    left = compiler.pids()
    assert any(map(lives, left))
    compiler.will_work()
    with start(tmp_path, "-q") as second:
        assert second.stderr is not None
        assert second.stderr.readline().startswith("sdfgen: waiting for another build in build ")
        for pid in {*left, *compiler.pids()}:
            if lives(pid):
                os.kill(pid, signal.SIGKILL)
        assert second.wait(10 * PATIENCE_S) == 0
    assert (tmp_path / "build" / BOARD / "manifest.json").is_file()


def test_a_compiler_that_does_not_end_keeps_the_lock(tmp_path: Path, compiler: SlowCompiler) -> None:
    compiler.will("stubborn", "-c")
    with start(tmp_path, "-q", "-j", "1") as first:
        until(compiler.pids)
        time.sleep(0.2)
        first.terminate()
        assert first.wait(PATIENCE_S) == 143
    (pid,) = compiler.pids()
    assert lives(pid)
    compiler.will_work()
    with start(tmp_path, "-q") as second:
        assert second.stderr is not None
        assert "waiting for another build" in second.stderr.readline()
        os.kill(pid, signal.SIGKILL)
        assert second.wait(10 * PATIENCE_S) == 0


def test_long_work_is_not_silent(tmp_path: Path, compiler: SlowCompiler) -> None:
    compiler.will("sleep", "-c")
    with start(tmp_path) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("sdfgen: slow for qemu_virt_aarch64: ")
        process.terminate()
        process.wait(PATIENCE_S)


def test_what_is_shown_is_asked_for(tmp_path: Path, compiler: SlowCompiler) -> None:
    with start(tmp_path, "-v") as process:
        _, said = process.communicate(timeout=10 * PATIENCE_S)
    assert process.returncode == 0, said
    assert f"{compiler.prefix}gcc -mgeneral-regs-only" in said
    with start(tmp_path, "-q") as process:
        assert process.communicate(timeout=PATIENCE_S) == ("", "")


def test_another_version_of_the_compiler_compiles_anew(tmp_path: Path, compiler: SlowCompiler) -> None:
    with start(tmp_path, "-q") as process:
        assert process.wait(10 * PATIENCE_S) == 0
    compiler.version("2")
    program = tmp_path / "cc" / "odd-gcc"
    program.write_text(program.read_text() + "# newer\n")
    os.utime(program, (1, 1))
    with start(tmp_path, "-v") as process:
        out, said = process.communicate(timeout=10 * PATIENCE_S)
    assert process.returncode == 0, said
    assert "nothing has changed" not in out
    assert "src/linux_vmm_table.c -o" in said
    assert '"version": "made-up 2"' in (tmp_path / "build" / BOARD / "manifest.json").read_text()
