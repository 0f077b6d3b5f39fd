"""On seL4, a client with a disk of 1 GiB writes and checks it for ten minutes; the host then checks every block.

Once with one CPU and 512 MiB of RAM, once with four CPUs and 1 GiB.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.guest.client_vm import write_initrd
from tests.guest.disks import MIB, SECTOR
from tests.guest.guests import client_guest, driver_guest

from .trial import QEMU, needed, needed_cpus, script_archive, sdfgen, write_description, write_driver

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sel4

SECONDS: Final = int(os.environ.get("SDFGEN_FIO_S", "600"))
"""How long it goes on; SDFGEN_FIO_S for a quick look."""
DISK_MIB: Final = 1024
TIMEOUT_S: Final = SECONDS + 900
FIO: Final = "fio"
CLIENT: Final = 'disk = [{{ partition = 0 }}]\nram = "{ram_mib} MiB"\ncpus = {cpus}\nbootargs = "quiet"'
LINUX_PART: Final = 0.85
"""Of its RAM, what Linux at least counts as its own."""
START_MIB: Final = 1
"""Where `sdfgen run` puts the first partition."""
SAID: Final = re.compile(r"^client1\| @@ (\S+) ?(.*)$", re.MULTILINE)


class Size(NamedTuple):
    """A client: its CPUs and its RAM. fio's libraries alone need more than 128 MiB."""

    cpus: int
    ram_mib: int


SIZES: Final = (Size(1, 512), Size(4, 1024))


class Seen(NamedTuple):
    """What a client said, and the partition's bytes in a file of their own."""

    size: Size
    said: dict[str, str]
    partition: Path
    console: str


def write_project(folder: Path, size: Size) -> None:
    driver, client = needed(lambda: (driver_guest(), client_guest("arm64-fio")), QEMU, FIO)
    needed_cpus(size.cpus)
    write_description(folder, client.kernel, {"client1": CLIENT.format(**size._asdict())})
    write_driver(driver, folder / "driver")
    write_initrd(client, str(folder / "client1"), script_archive("fio.sh", {"seconds": b"%d\n" % SECONDS}))


@pytest.fixture(scope="module", params=SIZES, ids=str)
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("fio")
    write_project(folder, request.param)
    options = ("--timeout", str(TIMEOUT_S), "--disk", "disk", "--disk-size", f"client1={DISK_MIB}MiB")
    done = sdfgen("run", *options, "--expect", "client1:@@ written", cwd=folder)
    (folder / "console").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    partition = folder / "partition"
    with (folder / "disk").open("rb") as disk:
        disk.seek(START_MIB * MIB)
        partition.write_bytes(disk.read(DISK_MIB * MIB))
    return Seen(request.param, dict(SAID.findall(done.stdout)), partition, done.stdout)


def test_linux_has_the_cpus_and_the_ram(seen: Seen) -> None:
    assert int(seen.said["cpus"]) == seen.size.cpus
    assert seen.size.ram_mib * LINUX_PART < int(seen.said["ram-mib"]) <= seen.size.ram_mib


def test_nothing_that_was_read_differs_from_what_was_written(seen: Seen) -> None:
    assert int(seen.said["size"]) == DISK_MIB * MIB // SECTOR
    assert (seen.said["fio"], seen.said["last"]) == ("0", "0"), seen.console[-4000:]


def test_the_host_finds_every_block_as_the_client_wrote_it(seen: Seen) -> None:
    words = (f"--filename={seen.partition}", "--name=check", "--rw=read", "--bs=256k", "--verify=crc32c")
    done = subprocess.run([FIO, *words, "--verify_fatal=1", "--minimal"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
