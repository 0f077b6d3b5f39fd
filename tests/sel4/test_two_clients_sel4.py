"""The two-client example on seL4 in QEMU: two Linux guests share a disk, and one of them does all that it must not."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import IO, Final

import pytest

from sdfgen.linux.cpio import Cpio
from tests.guest.client_vm import write_initrd
from tests.guest.disks import MIB, SECTOR, Disk, Range
from tests.guest.guests import client_guest, driver_guest

from .trial import EXAMPLE, QEMU, needed, sdfgen_words, write_driver

pytestmark = pytest.mark.sel4

HERE: Final = Path(__file__).parent
# The third partition is nobody's, and so is the MiB between two of them.
SIZES_MIB: Final = (24, 16, 4)
HOSTILE, HONEST = CLIENTS = ("client1", "client2")
SCRIPTS: Final = {HOSTILE: "hostile.sh", HONEST: "honest.sh"}
TIMEOUT_S: Final = 1200
# What the honest client writes in turn; the rest of its partition it leaves alone.
SLOTS: Final = 4
ROUNDS_AFTER: Final = SLOTS + 1
# Of the hostile client's RAM its kernel is told of a part. It may touch the rest, and registers, by /dev/mem; its
# initial RAM disk lies above both.
RAM_MIB: Final = 192
KERNEL_MIB: Final = 160
BOOTARGS: Final = {HOSTILE: f"quiet mem={KERNEL_MIB}M iomem=relaxed", HONEST: "quiet"}
SAID: Final = re.compile(r"^(\w+)\| @@ (\S+) (.*)$", re.MULTILINE)
ROUND: Final = re.compile(rf"^{HONEST}\| @@ round (\d) (\d+ \d+) ([0-9a-f]{{64}})$", re.MULTILINE)
TROUBLE: Final = re.compile(r"FAULT|Kernel panic|I/O error|Internal error|BUG:|Failed assertion")
ERROR: Final = re.compile(rf"({'|'.join(CLIENTS)}|storage)_vmm\|ERROR \((\w+)")
# Who may be told by libvmm, in which function, that something is wrong: an interrupt came while the guest had it
# disabled; a guest touched what it must not.
ERRORS: Final = {
    "vgic_dist_set_pending_irq": {*CLIENTS, "storage"},
    "fault_handle_vm_exception": {HOSTILE},
    "fault_handle": {HOSTILE},
}

PASSED: Final = (
    *("mkfs", "mount", "unmount", "fsck"),
    *("disturbed-writes", "disturbed-same"),
    *("bind", "mount-again", "files-same", "unmount-again", "fsck-again"),
)
# The answer to a write and to a read in the hostile client's own sectors, and what was read: what was written.
SOUND: Final = "0x00 0x00 0x5DF6E2B10C4A9387"
SOUND_AFTER: Final = ("at-first", "after-requests", "after-garbage", "after-resets")
IO_ERROR, UNSUPPORTED, NEEDS_RESET, NOTHING = "0x01", "0x02", "needs-reset", "nothing"
# A malformed chain is returned without an answer; a misplaced queue never starts.
OUTCOMES: Final = {
    "write-behind-the-end": IO_ERROR,
    "write-across-the-end": IO_ERROR,
    "write-very-far": IO_ERROR,
    "read-behind-the-end": IO_ERROR,
    "unknown-type": UNSUPPORTED,
    "part-of-a-sector": IO_ERROR,
    "data-at-zero": IO_ERROR,
    "data-in-registers": IO_ERROR,
    "data-behind-ram": IO_ERROR,
    "data-across-the-end-of-ram": IO_ERROR,
    "data-very-far": IO_ERROR,
    "data-wraps": IO_ERROR,
    "data-too-long": IO_ERROR,
    "loop": NOTHING,
    "wild-next": NOTHING,
    "indirect": NOTHING,
    "wild-head": NEEDS_RESET,
    "wild-index": NEEDS_RESET,
    "descriptors-at-zero": NOTHING,
    "available-behind-ram": NOTHING,
    "used-very-far": NOTHING,
    "no-queue-size": NOTHING,
    "odd-queue-size": NOTHING,
    "huge-queue-size": NOTHING,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Session:
    """What is left when it has ended."""

    disk: Disk
    before: list[bytes]
    outside_before: str
    console: str

    def said(self, client: str) -> dict[str, str]:
        """What a client told the test, by name."""
        return {name: value for guest, name, value in SAID.findall(self.console) if guest == client}

    def place(self, client: str, text: str) -> int:
        """Where the client said it."""
        return self.console.index(f"{client}| @@ {text}")


def write_guests(folder: Path) -> dict[str, str]:
    """Kernels and initial RAM disks beside the description, and what it is to say of them."""
    driver, client = needed(lambda: (driver_guest(), client_guest("arm64")), QEMU)
    scripts = HERE / "scripts"
    (folder / "kernel").symlink_to(client.kernel)
    write_driver(driver, folder / "driver")
    settings = {"guest.storage.kernel": "kernel", "guest.storage.initrd": "driver"}
    for name, script in SCRIPTS.items():
        extra = Cpio()
        for target, source in (("run", script), ("common", "common.sh"), ("ring", "ring.sh")):
            extra.copy(f"test/{target}", str(scripts / source))
        for target, number in (("slots", SLOTS), ("ram_mib", RAM_MIB), ("kernel_mib", KERNEL_MIB)):
            extra.file(f"test/{target}", b"%d\n" % number)
        write_initrd(client, str(folder / name), extra)
        keys = {"kernel": "kernel", "initrd": name, "bootargs": BOOTARGS[name]}
        settings |= {f"guest.{name}.{key}": value for key, value in keys.items()}
    return settings | {f"guest.{HOSTILE}.ram": f"{RAM_MIB} MiB"}


def watch(console: IO[str]) -> str:
    """What is said until the honest client has written all its slots after the hostile one left."""
    seen = ""
    rounds = ROUNDS_AFTER
    for line in console:
        seen += line
        rounds -= f"{HOSTILE}| @@ leaves " in seen and ROUND.match(line) is not None
        if rounds == 0:
            break
    return seen


def run(folder: Path, settings: dict[str, str], disk: Disk) -> str:
    """What the consoles show."""
    words = [word for key, value in settings.items() for word in ("--set", f'{key}="{value}"')]
    options = ("--board", "qemu_virt_aarch64", "--disk", disk.path, "--timeout", str(TIMEOUT_S))
    told = folder / "told"
    # A shell that starts the tests in the background has ^C ignored, and so had what they start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with (
        told.open("wb") as errors,
        subprocess.Popen(
            sdfgen_words("run", *options, *words),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            errors="replace",
        ) as running,
    ):
        assert running.stdout is not None
        signal.signal(signal.SIGINT, before)
        seen = watch(running.stdout)
        running.send_signal(signal.SIGINT)
        seen += running.stdout.read()
    (folder / "console").write_text(seen)
    assert running.returncode == 128 + signal.SIGINT, seen[-4000:] + told.read_text(errors="replace")
    return seen


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("two_clients")
    settings = write_guests(folder)
    disk = Disk(str(folder / "disk"), SIZES_MIB)
    disk.write_gpt()
    before = [disk.read(part) for part in disk.partitions]
    outside = disk.outside(disk.partitions[: len(CLIENTS)])
    shutil.copy(EXAMPLE, folder)
    return Session(disk, before, outside, run(folder, settings, disk))


@pytest.mark.parametrize(("index", "client"), list(enumerate(CLIENTS)))
def test_a_client_sees_its_partition(session: Session, index: int, client: str) -> None:
    said = session.said(client)
    assert int(said["size"]) == SIZES_MIB[index] * MIB // SECTOR
    assert said["before"] == hashlib.sha256(session.before[index]).hexdigest()


def test_the_hostile_clients_partition_holds_what_it_says(session: Session) -> None:
    said = session.said(HOSTILE)
    assert said["after"] == session.disk.digest(session.disk.partitions[0])
    assert said["after"] != said["before"]


def test_the_honest_clients_partition_holds_what_it_wrote_last(session: Session) -> None:
    start, before = session.disk.partitions[1].start, session.before[1]
    last = [(int(slot), digest) for slot, _, digest in ROUND.findall(session.console)]
    unfinished = (last[-1][0] + 1) % SLOTS
    wanted = {slot: digest for slot, digest in last if slot != unfinished}
    assert {slot: session.disk.digest(Range(start + slot * MIB, MIB)) for slot in wanted} == wanted
    assert len(wanted) == SLOTS - 1
    assert session.disk.read(session.disk.partitions[1])[SLOTS * MIB :] == before[SLOTS * MIB :]


def test_nothing_outside_the_clients_partitions_changed(session: Session) -> None:
    assert session.disk.outside(session.disk.partitions[: len(CLIENTS)]) == session.outside_before


@pytest.mark.parametrize("name", PASSED)
def test_the_hostile_clients_own_files_stay_good(session: Session, name: str) -> None:
    assert session.said(HOSTILE)[name] == "0"


@pytest.mark.parametrize("when", SOUND_AFTER)
def test_the_hostile_clients_device_serves_again(session: Session, when: str) -> None:
    assert session.said(HOSTILE)[f"sound-{when}"] == SOUND


def test_what_is_hostile_is_refused(session: Session) -> None:
    said = dict(re.findall(rf"^{HOSTILE}\| @@ hostile (\S+) (\S+)$", session.console, re.MULTILINE))
    assert said == OUTCOMES


def test_the_honest_client_reads_what_it_wrote_before_during_and_after(session: Session) -> None:
    assert {outcome for _, outcome, _ in ROUND.findall(session.console)} == {"0 0"}
    attack, attacked, leaves = (session.place(HOSTILE, text) for text in ("attack ", "attacked ", "leaves "))
    rounds = [match.start() for match in ROUND.finditer(session.console)]
    assert sum(attack < place < attacked for place in rounds) >= SLOTS
    assert sum(place > leaves for place in rounds) >= ROUNDS_AFTER


def test_who_touches_what_is_not_there_is_stopped_alone(session: Session) -> None:
    assert "left" not in session.said(HOSTILE)
    assert f"unexpected memory fault on address: {session.said(HOSTILE)['leaves']}, " in session.console
    assert re.findall(r"(\w+): the guest is stopped", session.console) == [f"{HOSTILE}_vmm"]


def test_nobody_reports_trouble(session: Session) -> None:
    assert TROUBLE.findall(session.console) == []
    errors = ERROR.findall(session.console)
    assert [(name, function) for name, function in errors if name not in ERRORS.get(function, ())] == []
    assert len(errors) == session.console.count("|ERROR")
