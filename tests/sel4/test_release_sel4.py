"""On a release kernel, which shows nothing: two clients use their disks, one boots three times, as the disk tells."""

from __future__ import annotations

import hashlib
import subprocess
import time
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.guest.disks import MIB, SECTOR, Disk

from .trial import script_archive, sdfgen_words, write_example

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.sel4

BOOTS: Final = {"client1": 3, "client2": 1}
SIZES_MIB: Final = (8, 8)
PAGES: Final = 4
"""How many MiB of noise a client keeps."""
MORE: Final = 5
"""Rounds of the client that stays, after the other has booted for the last time."""
TIMEOUT_S: Final = 1200
LOOK_S: Final = 2


class Diary(NamedTuple):
    """What a client has written: how many pages, how many of them were bad, the digest of the last."""

    pages: int
    bad: int
    digest: str


def diary(disk: Disk, client: int) -> Diary | None:
    """The diary in a client's partition; None before its first page."""
    words = disk.read(disk.partitions[client])[:SECTOR].rstrip(b"\0").split()
    return Diary(int(words[1]), int(words[2]), words[3].decode()) if words[:1] == [b"diary"] else None


def diaries(disk: Disk) -> Iterator[tuple[Diary, Diary]]:
    """What both clients have written, again and again, for as long as the test may take."""
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        time.sleep(LOOK_S)
        first, second = diary(disk, 0), diary(disk, 1)
        if first and second:
            yield first, second


def watch(disk: Disk) -> bool:
    """Until the first client has booted for the last time, and the second has gone on after that."""
    wanted = None
    for first, second in diaries(disk):
        if wanted is None and first.pages > BOOTS["client1"]:
            wanted = second.pages + MORE
        if wanted is not None and second.pages >= wanted:
            return True
    return False


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Disk:
    folder = tmp_path_factory.mktemp("release")
    words = write_example(
        folder, {name: script_archive("diary.sh", {"reboots": b"%d\n" % boots}) for name, boots in BOOTS.items()}
    )
    made = Disk(str(folder / "disk"), SIZES_MIB)
    made.write_gpt()
    options = ("--board", "qemu_virt_aarch64", "--disk", made.path, "--set", 'system.config="release"')
    with (
        (folder / "told").open("wb") as told,
        subprocess.Popen(sdfgen_words("run", *options, *words), cwd=folder, stdout=told, stderr=told) as running,
    ):
        done = watch(made)
        running.terminate()
    assert done, (folder / "told").read_text(errors="replace") + f"{diary(made, 0)} {diary(made, 1)}"
    return made


@pytest.mark.parametrize("client", range(len(BOOTS)))
def test_every_page_was_found_as_it_was_left(disk: Disk, client: int) -> None:
    found = diary(disk, client)
    assert found is not None
    assert found.bad == 0


@pytest.mark.parametrize("client", range(len(BOOTS)))
def test_the_host_finds_the_last_page_too(disk: Disk, client: int) -> None:
    """The one that was being written when the machine was ended may be the next one."""
    found = diary(disk, client)
    assert found is not None
    place = MIB * (1 + found.pages % PAGES)
    page = disk.read(disk.partitions[client])[place : place + MIB]
    assert hashlib.sha256(page).hexdigest() == found.digest
