"""`sdfgen run`: what keeps a run from beginning, how it ends, and what it leaves. QEMU is a stand-in here."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.paths import EXAMPLE

from .fake_qemu import FakeQemu

if TYPE_CHECKING:
    from pathlib import Path

BARE = """
[system]
name = "bare"
boards = ["qemu_virt_aarch64"]
[[protection_domain]]
name = "alone"
program_image = "alone.elf"
"""
MIB = 1 << 20
PATIENCE_S = 20


@pytest.fixture
def qemu(tmp_path: Path) -> FakeQemu:
    fake = FakeQemu(tmp_path / "bin")
    fake.install()
    return fake


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(EXAMPLE, tmp_path / "system.toml")
    (tmp_path / "loader").write_bytes(b"an image")
    (tmp_path / "content").write_bytes(b"content")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    for name in ("MICROKIT_SDK", "LIBVMM"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def start(qemu: FakeQemu, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sdfgen", "run", "system.toml", *arguments],
        cwd=qemu.folder.parent,
        env=os.environ | {"PATH": qemu.path()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(qemu: FakeQemu, *arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    process = start(qemu, *arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


LOADED = ("--loader", "loader")
BOOT = ("LDR|INFO: copying\nclient1| boo", "ted\nclient2| boo", "ted\n")
SHOWN = "LDR|INFO: copying\nclient1| booted\nclient2| booted\n"
TWICE = ("--expect", "client2:^booted$", "--expect", "client1:^booted$")

# What QEMU says, its status (None: it goes on), our arguments; our status, what is shown, how it is summed up.
RUNS: dict[str, tuple[tuple[str, ...], int | None, tuple[str, ...], int, str, str]] = {
    "all_seen": (BOOT, None, TWICE, 0, SHOWN, "all that was expected was seen after"),
    "seen_before_time_is_up": (BOOT, None, (*TWICE, "--timeout", "60"), 0, SHOWN, "all that was expected was seen"),
    "seen_at_the_end": (BOOT, 7, TWICE, 0, SHOWN, "all that was expected was seen"),
    "time_is_up": (BOOT, None, (*TWICE, "--expect", "no", "--timeout", "1"), 3, SHOWN, "; not seen:\n  no\n"),
    "ended_before": (BOOT, 0, (*TWICE, "--expect", "no"), 4, SHOWN, "ended with status 0 after"),
    "nothing_expected": (BOOT, 0, (), 0, SHOWN, "QEMU ended with status 0 after"),
    "nothing_expected_and_qemu_fails": (BOOT, 1, (), 4, SHOWN, "QEMU ended with status 1 after"),
    "nothing_expected_and_time_is_up": (BOOT, None, ("--timeout", "1"), 3, SHOWN, "time is up after"),
    "a_prompt_is_seen": (("a\nlogin: ",), None, ("--expect", "login: $"), 0, "a\nlogin: \n", "was seen"),
    "one_console": (BOOT, 0, ("--console", "client1"), 0, "booted\n", "QEMU ended with status 0"),
    "one_console_and_another_expected": (
        BOOT,
        None,
        ("--console", "client1", "--expect", "client2:boot"),
        0,
        "booted\n",
        "was seen",
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_how_a_run_ends(name: str, project: Path, qemu: FakeQemu) -> None:
    says, ends, arguments, status, shown, verdict = RUNS[name]
    qemu.will(*says, status=ends)
    found, out, err = run(qemu, *LOADED, *arguments)
    assert (found, out) == (status, shown), err
    assert verdict in err
    assert not qemu.runs
    assert not list((project / "tmp").iterdir()), "the disk of this run is removed"


BOOT_MESSAGE = "loader.img was not made, so there is nothing to run: MICROKIT_SDK and LIBVMM missing"
# Our arguments; our status and message. QEMU is not started.
REFUSALS: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no_sdk": (("--set", "toolchain.cc=zig"), 1, BOOT_MESSAGE),
    "no_such_image": (("--loader", "absent"), 1, "absent: there is no such image"),
    "a_board_without_qemu": (
        ("--board", "odroidc4"),
        1,
        """system.toml:6:10: error[SDF224]: QEMU can't run odroidc4: no [qemu] section in the board file
    6 | boards = ["qemu_virt_aarch64", "odroidc4"]
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  help: choose another board, or add one (docs/boards.md)

1 error
""",
    ),
    "an_unknown_board": (("--board", "nothing"), 1, "unknown board `nothing`"),
    "a_faulty_description": (("--set", "guest.storage.ram=1"), 1, "error[SDF"),
    "no_slot": (("--set", "guest.storage.devices=['uart']"), 1, "no virtio slot"),
    "no_such_console": (
        ("--console", "clint1"),
        2,
        """system.toml:15:8: error[SDF224]: --console clint1: there is no guest 'clint1' (did you mean `client1`?)
   15 | name = "client1"
      |        ^^^^^^^^^
  help: the guests are client1, client2, storage

1 error
""",
    ),
    "nobody_to_type_to": (
        ("--raw",),
        2,
        """system.toml:5:8: error[SDF224]: --raw: nobody can be typed to
    5 | name = "two-clients"
      |        ^^^^^^^^^^^^^
  help: [console] gives guests such consoles: docs/console.md

1 error
""",
    ),
    "nobody_to_send_to": (
        ("--send", "client1:x"),
        2,
        "system.toml:5:8: error[SDF224]: --send client1:x: nobody",
    ),
    "nothing_counted": (
        ("--stats",),
        2,
        """system.toml:5:8: error[SDF224]: --stats: nothing is counted in this system
    5 | name = "two-clients"
      |        ^^^^^^^^^^^^^
  help: add [monitor]

1 error
""",
    ),
    "no_such_disk": (
        ("--disk", "blok=disk"),
        2,
        """system.toml:29:2: error[SDF224]: --disk blok=disk: write NAME=FILE
   29 | [block]
      |  ^^^^^
  help: the names of disks here: block

1 error
""",
    ),
    "no_regular_expression": (("--expect", "client1:("), 2, "--expect client1:(: missing )"),
    "no_such_client": (
        ("--fill", "client3=content"),
        2,
        """system.toml:24:13: error[SDF224]: \
--fill client3=content: there is no client 'client3' (did you mean `client2`?)
   24 | partition = 1
      |             ^
  help: clients of disks are client1, client2

1 error
""",
    ),
    "no_labels_in_the_table": (
        ("--table", "mbr", "--set", "guest.client1.disk=[{partition='PARTLABEL=x'}]"),
        2,
        ":1:1: error[SDF224]: partition `x` of `client1`: a table of kind mbr has no labels\n",
    ),
    "two_descriptions": (("other.toml",), 2, "other.toml: one description is run"),
    "a_content_that_does_not_fit": (("--fill", "client1=large", "--disk-size", "1MiB"), 2, "do not fit into the 1 MiB"),
    "sizes_of_a_disk_that_exists": (("--disk", "content", "--disk-size", "1MiB"), 2, "exists and is used as it is"),
    "a_table_that_is_none": (("--table", "bsd"), 2, "'bsd' is not one of"),
    "a_disk_that_cannot_be_written": (("--disk", "absent/disk"), 1, "absent/disk.part: No such file"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_keeps_a_run_from_beginning(name: str, project: Path, qemu: FakeQemu) -> None:
    os.truncate(os.open(project / "large", os.O_CREAT | os.O_WRONLY), 2 * MIB)
    arguments, status, message = REFUSALS[name]
    loader = () if name in {"no_sdk", "no_such_image"} else LOADED
    found, out, err = run(qemu, *loader, *arguments)
    assert (found, out) == (status, "")
    assert message in err
    assert not qemu.started


def test_a_system_without_guests_needs_no_libvmm(project: Path, qemu: FakeQemu) -> None:
    (project / "system.toml").write_text(BARE)
    status, _, err = run(qemu)
    assert status == 1
    assert err.endswith("loader.img was not made, so there is nothing to run: MICROKIT_SDK missing (docs/run.md)\n")


def test_qemu_is_missing(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sdfgen", "run", "system.toml", *LOADED],
        cwd=project,
        env=os.environ | {"PATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "sdfgen: qemu-system-aarch64 is not on PATH; Debian's package qemu-system-arm has it\n"


def test_a_disk_that_is_named_is_made_once_and_stays(project: Path, qemu: FakeQemu) -> None:
    qemu.will(status=0)
    disk = project / "disk"
    assert run(qemu, *LOADED, "--disk", "disk", "--table", "mbr", "--fill", "client2=content")[0] == 0
    made = disk.read_bytes()
    assert made[65 * MIB :].startswith(b"content\0")
    disk.write_bytes(b"changed by a guest")
    assert run(qemu, *LOADED, "--disk", "disk")[0] == 0
    assert disk.read_bytes() == b"changed by a guest"
    assert "file=disk,format=raw,if=none,id=disk_block" in qemu.words


def test_a_system_without_a_block_subsystem_has_no_disk(project: Path, qemu: FakeQemu) -> None:
    qemu.will(status=0)
    (project / "system.toml").write_text(BARE)
    assert run(qemu, *LOADED)[0] == 0
    assert "-drive" not in qemu.words
    status, _, err = run(qemu, *LOADED, "--disk", "disk")
    said = """system.toml:3:8: error[SDF224]: --disk disk: nothing in this system drives a disk
    3 | name = "bare"
      |        ^^^^^^
  help: add [block]

1 error
"""
    assert (status, err) == (2, said)


def test_a_disk_is_kept_when_asked(project: Path, qemu: FakeQemu) -> None:
    qemu.will(status=0)
    status, _, err = run(qemu, *LOADED, "--keep")
    (disk,) = (project / "tmp").glob("two-clients-*/block.img")
    assert status == 0
    assert f"kept: {disk}" in err


def test_arguments_behind_two_dashes_are_for_qemu(project: Path, qemu: FakeQemu) -> None:
    qemu.will(status=0)
    assert run(qemu, *LOADED, "--", "-d", "int", "--timeout", "1")[0] == 0
    assert qemu.words[-4:] == ["-d", "int", "--timeout", "1"]
    assert f"loader,file=loader,addr={0x7000_0000:#x},cpu-num=0" in qemu.words
    assert project.is_dir()


def wait_until_started(qemu: FakeQemu) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not qemu.started:
        assert time.monotonic() < deadline, "QEMU was not started"
        time.sleep(0.02)


def wait_until_ended(qemu: FakeQemu) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while qemu.runs:
        assert time.monotonic() < deadline, "QEMU was left behind"
        time.sleep(0.02)


# The signal, our arguments, our status.
SIGNALS: dict[str, tuple[signal.Signals, tuple[str, ...], int]] = {
    "interrupted": (signal.SIGINT, (), 130),
    "interrupted_while_something_is_expected": (signal.SIGINT, ("--expect", "no"), 130),
    "terminated": (signal.SIGTERM, (), 128 + signal.SIGTERM),
    "hung_up": (signal.SIGHUP, (), 128 + signal.SIGHUP),
    "killed": (signal.SIGKILL, (), -signal.SIGKILL),
}


@pytest.mark.usefixtures("heeded_interrupts")
@pytest.mark.parametrize("name", SIGNALS)
def test_no_qemu_is_left_behind(name: str, project: Path, qemu: FakeQemu) -> None:
    number, arguments, status = SIGNALS[name]
    qemu.will(*BOOT)
    process = start(qemu, *LOADED, *arguments)
    wait_until_started(qemu)
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == status, err
    assert "Traceback" not in err
    wait_until_ended(qemu)
    assert number == signal.SIGKILL or not list((project / "tmp").iterdir())


def test_a_qemu_that_does_not_want_to_end_is_killed(project: Path, qemu: FakeQemu) -> None:
    qemu.will(*BOOT, stubborn=True)
    assert run(qemu, *LOADED, *TWICE)[0] == 0
    assert not qemu.runs
    assert not list((project / "tmp").iterdir())


def test_qemu_is_ended_when_nobody_reads_on(project: Path, qemu: FakeQemu) -> None:
    qemu.will(*["client1| on and on\n"] * 200)
    process = start(qemu, *LOADED)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "client1| on and on\n"
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(PATIENCE_S) == 1
    assert "Traceback" not in err
    assert not qemu.runs
    assert not list((project / "tmp").iterdir())
