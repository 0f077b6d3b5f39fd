"""`sdfgen run --stats`: counters from the memory of a stand-in for QEMU."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe
from tests.paths import SYSTEMS

from .fake_qemu import FakeQemu

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 20
LOADED = ("--loader", "loader")
BOARD = "qemu_virt_aarch64"


@pytest.fixture
def qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeQemu:
    fake = FakeQemu(tmp_path / "bin")
    fake.install()
    shutil.copy(SYSTEMS / "monitored.toml", tmp_path / "system.toml")
    (tmp_path / "loader").write_bytes(b"an image")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    return fake


def memory() -> dict[int, bytes]:
    """Pages of counters where requests, or injections, are ten times the page's number."""
    system = describe(str(SYSTEMS / "monitored.toml")).systems[BOARD]
    addresses = {region.name: region.phys_addr for region in system.regions}
    pages = {}
    for number, counted in enumerate(system.counted):
        row = (10 * number).to_bytes(8, "little") + bytes(56)
        pages[addresses[counted.region] or 0] = b"SDFGCNTR" + bytes(56) + row * 62
    return pages


def start(qemu: FakeQemu, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sdfgen", "run", "system.toml", *LOADED, *arguments],
        cwd=qemu.folder.parent,
        env=os.environ | {"PATH": qemu.path()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What it says until it ends, and nothing of it is left behind if it does not."""
    with process:
        try:
            return process.communicate(timeout=PATIENCE_S)
        finally:
            process.terminate()


def tables(err: str) -> int:
    """How many times the VMMs' injections were told, all of them."""
    injections = [
        int(number) for number in re.findall(r"^(?:client1|client2|storage)_vmm +(\d+) +0 +0$", err, re.MULTILINE)
    ]
    assert injections == [10, 20, 30] * (len(injections) // 3)
    return len(injections) // 3


def test_the_counters_are_told_at_the_end(qemu: FakeQemu) -> None:
    qemu.will("booted\n", memory=memory())
    process = start(qemu, "--stats", "--expect", "booted")
    _, err = ended(process)
    assert process.returncode == 0
    assert tables(err) == 1
    assert not os.listdir(qemu.folder.parent / "tmp")


@pytest.mark.usefixtures("heeded_interrupts")
def test_the_counters_are_told_when_a_signal_asks(qemu: FakeQemu) -> None:
    qemu.will("booted\n", memory=memory())
    process = start(qemu, "--stats")
    assert process.stdout is not None
    assert process.stdout.readline() == "booted\n"
    process.send_signal(signal.SIGUSR1)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    _, err = ended(process)
    assert process.returncode == 130
    assert tables(err) == 2


def test_the_counters_are_told_now_and_then(qemu: FakeQemu) -> None:
    qemu.will("booted\n", memory=memory())
    process = start(qemu, "--stats-every", "1", "--timeout", "4")
    _, err = ended(process)
    assert process.returncode == 3
    assert 3 <= tables(err) <= 5


def test_memory_that_cannot_be_read_is_told(qemu: FakeQemu) -> None:
    qemu.will("booted\n")
    process = start(qemu, "--stats", "--expect", "booted")
    _, err = ended(process)
    assert process.returncode == 0
    assert "sdfgen: --stats: QEMU refuses pmemsave: no such memory\n" in err


def test_a_machine_that_has_ended_is_not_asked(qemu: FakeQemu) -> None:
    qemu.will("booted\n", status=0, memory=memory())
    process = start(qemu, "--stats")
    _, err = ended(process)
    assert process.returncode == 0
    assert tables(err) == 0
