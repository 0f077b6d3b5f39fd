"""On seL4, a client that reboots, or panics, boots again and finds its disk as it left it; the other goes on."""

from __future__ import annotations

import itertools
import re
from typing import Final, NamedTuple

import pytest

from tests.guest.disks import Disk

from .trial import script_archive, sdfgen, write_example

pytestmark = pytest.mark.sel4

REBOOTS, HONEST = "client1", "client2"
RUN: Final = {REBOOTS: "reboot.sh", HONEST: "honest.sh"}
SIZES_MIB: Final = (8, 8)
TIMEOUT_S: Final = 1200
SAID: Final = re.compile(rf"^{REBOOTS}\| @@ (\S+) (.*)$", re.MULTILINE)


class Seen(NamedTuple):
    """The consoles, and the disk they are about."""

    console: str
    disk: Disk

    def said(self, name: str) -> list[str]:
        """What the client told under a name, boot after boot."""
        return [value for said, value in SAID.findall(self.console) if said == name]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("reboot")
    words = write_example(folder, {name: script_archive(script, {"slots": b"4\n"}) for name, script in RUN.items()})
    disk = Disk(str(folder / "disk"), SIZES_MIB)
    disk.write_gpt()
    options = ("--board", "qemu_virt_aarch64", "--disk", disk.path, "--timeout", str(TIMEOUT_S))
    done = sdfgen("run", *options, *words, "--expect", f"{REBOOTS}:@@ stays ", cwd=folder)
    (folder / "console").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return Seen(done.stdout, disk)


def test_a_client_boots_as_often_as_it_resets_itself(seen: Seen) -> None:
    assert seen.said("boots") == ["1", "2", "3"]
    assert seen.console.count(f"{REBOOTS}_vmm: the guest starts again") == 2


def test_each_boot_finds_the_disk_as_the_one_before_left_it(seen: Seen) -> None:
    assert seen.said("before")[1:] == seen.said("left")[:-1]
    assert seen.said("stays") == seen.said("left")[-1:] == [seen.disk.digest(seen.disk.partitions[0])]


def test_the_other_client_goes_on_meanwhile(seen: Seen) -> None:
    boots = [seen.console.index(f"{REBOOTS}| @@ boots {number}") for number in (1, 2, 3)]
    rounds = [match.start() for match in re.finditer(rf"^{HONEST}\| @@ round \d 0 0 ", seen.console, re.MULTILINE)]
    assert all(any(start < place < end for place in rounds) for start, end in itertools.pairwise(boots))
    assert len(rounds) == seen.console.count(f"{HONEST}| @@ round ")
