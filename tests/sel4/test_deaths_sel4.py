"""On seL4, drivers die, guests of drivers panic, and disks hang, while two clients write and read back.

Nothing that was acknowledged is lost, nobody hangs, and where the driver is back in time nobody sees an error.
`SDFGEN_DEATHS=50` lets it happen as often; 2 times otherwise. `SDFGEN_RANDOM_SECONDS=600` lets all of it happen at
random moments for so long; 60 s otherwise.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import time
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from sdfgen.run.qmp import Qmp
from tests.guest.disks import Disk

from .trial import script_archive, sdfgen_words, write_example

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sel4

DEATHS: Final = int(os.environ.get("SDFGEN_DEATHS", "2"))
RANDOM_SECONDS: Final = int(os.environ.get("SDFGEN_RANDOM_SECONDS", "60"))
CLIENTS: Final = ("client1", "client2")
SIZES_MIB: Final = (8, 8)
TIMEOUT_S: Final = 900
SAID: Final = re.compile(r"^(client\d)\| @@ done (\d+) (\d+) (\d+) (\d+)", re.MULTILINE)
PATIENT_S, IMPATIENT_S = 300, 4
SLACK_S: Final = 6
PAUSES_S: Final = sum(min(2**death, 16) for death in range(DEATHS))
"""Of the start hook, between one death and the next."""

KILLED: Final = """
/etc/sdfgen/start-driver &
sleep 12
death=0
while [ $death -lt {deaths} ]; do
    kill -9 $(pidof sdfgen-uio-block) && death=$((death + 1)) && echo "@@ death $death"
    sleep 6
done
wait
"""
PANICS: Final = """
/etc/sdfgen/start-driver &
sleep 12
echo "@@ death"
echo c >/proc/sysrq-trigger
"""
ANY: Final = """
/etc/sdfgen/start-driver &
while true; do
    set -- $(od -An -N2 -tu1 /dev/urandom)
    sleep $((3 + $1 % 10))
    if [ $(($2 % 4)) = 0 ]; then
        echo "@@ panic"
        echo c >/proc/sysrq-trigger
    fi
    kill -9 $(pidof sdfgen-uio-block) && echo "@@ killed"
done
"""


class Client(NamedTuple):
    """What a client has done, and seen."""

    rounds: int
    errors: int
    lost: int
    longest_s: int


class Seen(NamedTuple):
    """The consoles."""

    console: str

    @property
    def clients(self) -> dict[str, Client]:
        return {name: Client(*map(int, numbers)) for name, *numbers in SAID.findall(self.console)}

    def count(self, text: str) -> int:
        return self.console.count(text)


def start(folder: Path, driver_run: str, timeout_s: int, seconds: int) -> tuple[list[str], Path]:
    """Write a system; the words that run it, and where QEMU can be spoken to."""
    files = {"seconds": f"{seconds}\n".encode()}
    runs = {name: script_archive("steady.sh", files) for name in CLIENTS}
    words = write_example(folder, runs, driver_run.encode())
    disk = Disk(str(folder / "disk"), SIZES_MIB)
    disk.write_gpt()
    control = folder / "qmp"
    patience_s = TIMEOUT_S + 60 * DEATHS + PAUSES_S
    options = ("--board", "qemu_virt_aarch64", "--disk", disk.path, "--timeout", str(patience_s))
    expected = [word for name in CLIENTS for word in ("--expect", f"{name}:@@ done ")]
    more = ("--set", f'block.timeout="{timeout_s} s"', *expected, "--", "-qmp", f"unix:{control},server=on,wait=off")
    return sdfgen_words("run", *options, *words, *more), control


def finished(folder: Path, process: subprocess.Popen[str]) -> Seen:
    console, errors = process.communicate()
    (folder / "console").write_text(console)
    assert process.returncode == 0, console[-4000:] + errors
    return Seen(console)


def run(folder: Path, driver_run: str, timeout_s: int, seconds: int) -> Seen:
    words, _ = start(folder, driver_run, timeout_s, seconds)
    pipe = subprocess.PIPE
    return finished(folder, subprocess.Popen(words, cwd=folder, stdout=pipe, stderr=pipe, text=True))


def check_all_was_kept(seen: Seen) -> None:
    assert set(seen.clients) == set(CLIENTS)
    for client in seen.clients.values():
        assert client.lost == 0
        assert client.rounds > 0


def test_a_driver_that_is_killed_is_a_pause(tmp_path: Path) -> None:
    seen = run(tmp_path, KILLED.format(deaths=DEATHS), PATIENT_S, 20 + 8 * DEATHS + PAUSES_S)
    check_all_was_kept(seen)
    assert seen.count("storage| @@ death ") == DEATHS
    assert all(client.errors == 0 for client in seen.clients.values())


def test_a_driver_guest_that_panics_is_a_pause(tmp_path: Path) -> None:
    seen = run(tmp_path, PANICS, PATIENT_S, 10 + 30 * DEATHS)
    check_all_was_kept(seen)
    assert seen.count("storage_vmm: the guest starts again") >= 1
    assert all(client.errors == 0 for client in seen.clients.values())


def limit_disk(qemu: Qmp, bytes_per_second: int) -> None:
    rest = dict.fromkeys(("bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"), 0)
    qemu.do("block_set_io_throttle", device="disk_block", bps=bytes_per_second, **rest)


def test_a_disk_that_hangs_is_an_error_in_time(tmp_path: Path) -> None:
    """For 10 s of the host's, which are no less of the guests'."""
    words, path = start(tmp_path, "exec /etc/sdfgen/start-driver\n", IMPATIENT_S, 30 + 16 * DEATHS)
    pipe = subprocess.PIPE
    begun = ""
    process = subprocess.Popen(words, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout is not None
    while not all(f"{name}| @@ begun" in begun for name in CLIENTS):
        line = process.stdout.readline()
        assert line, begun + process.communicate()[1]
        begun += line
    with Qmp(str(path)) as qemu:
        for _ in range(DEATHS):
            time.sleep(3)
            limit_disk(qemu, 1)
            time.sleep(10)
            limit_disk(qemu, 0)
    seen = finished(tmp_path, process)
    check_all_was_kept(seen)
    for client in seen.clients.values():
        assert 0 < client.errors < client.rounds
        assert client.longest_s <= 2 * IMPATIENT_S + SLACK_S


def test_deaths_at_random_are_pauses(tmp_path: Path) -> None:
    """The disk hangs while the driver dies, while its guest starts, and while what was in flight is handed on again."""
    words, path = start(tmp_path, ANY, PATIENT_S, RANDOM_SECONDS)
    hung = 0
    with (tmp_path / "console").open("w+") as console:
        process = subprocess.Popen(words, cwd=tmp_path, stdout=console, stderr=subprocess.STDOUT)
        while (tmp_path / "console").read_text().count("| @@ begun") < len(CLIENTS):
            assert process.poll() is None, (tmp_path / "console").read_text()
            time.sleep(1)
        ends = time.monotonic() + RANDOM_SECONDS
        with Qmp(str(path)) as qemu:
            while time.monotonic() < ends:
                time.sleep(random.uniform(0, 6))  # noqa: S311 - moments, not secrets
                limit_disk(qemu, 1)
                time.sleep(random.uniform(0, 4))  # noqa: S311
                limit_disk(qemu, 0)
                hung += 1
        process.wait()
    seen = Seen((tmp_path / "console").read_text())
    assert process.returncode == 0, seen.console[-4000:]
    check_all_was_kept(seen)
    assert hung
    assert seen.count("storage| @@ killed") or seen.count("storage_vmm: the guest starts again")
    assert all(client.errors == 0 for client in seen.clients.values())
