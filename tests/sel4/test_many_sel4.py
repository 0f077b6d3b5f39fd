"""As many clients on one disk as Microkit has protection domains for: all are served, and none sees another's data."""

from __future__ import annotations

import struct
import subprocess
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.guest.disks import Disk, Range
from tests.guest.guests import client_guest, driver_guest

from .native import CLIENT, Load
from .trial import BLOCK, DRIVER, LAST_SLOT, QEMU, needed, sdfgen_words, sdk_version, write_driver

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sel4

COUNT: Final = 60
"""With the driver VM's VMM, the guest timer and the virtualiser: 63 protection domains."""
COUNT_2_0_1: Final = 59
"""There the virtual CPU counts among them."""
CELLS: Final = 16
"""What load.c writes in a round, and reads in the next."""
ROUNDS: Final = 5
"""The last one writes, so each client has found in the fourth what it wrote in the third."""
BLOCK_BYTES: Final = 4096
TIMEOUT_S: Final = 900


def last_words(name: str) -> bytes:
    """What a client's blocks hold when it has done all."""
    letters = (*name[4:].encode(), 0)[:2]
    own = letters[0] << 56 | letters[1] << 48
    words = BLOCK_BYTES // 8
    values = [(ROUNDS // 2 << 32 | cell << 16 | word) ^ own for cell in range(CELLS) for word in range(words)]
    return struct.pack(f"<{len(values)}Q", *values)


def wait(disk: Disk, names: list[str], running: subprocess.Popen[bytes]) -> list[str]:
    """Until all is on the disk; whose isn't when time is up."""
    end = time.monotonic() + TIMEOUT_S
    missing = dict(zip(names, disk.partitions, strict=True))
    while missing and time.monotonic() < end and running.poll() is None:
        time.sleep(1)
        for name, part in list(missing.items()):
            if disk.read(Range(part.start, CELLS * BLOCK_BYTES)) == last_words(name):
                del missing[name]
    return list(missing)


def test_all_are_served(tmp_path: Path) -> None:
    driver, client = needed(lambda: (driver_guest(), client_guest("arm64")), QEMU)
    (tmp_path / "kernel").symlink_to(client.kernel)
    write_driver(driver, tmp_path / "driver")
    count = COUNT_2_0_1 if sdk_version() == "2.0.1" else COUNT
    names = [f"load{number:02}" for number in range(count)]
    clients = [CLIENT.format(name=name, more="", partition=number, capacity=8) for number, name in enumerate(names)]
    system = DRIVER.format(name="many", slot=LAST_SLOT, kernel="kernel")
    (tmp_path / "system.toml").write_text("".join([system, *clients, BLOCK]))
    Load(CELLS * ROUNDS, "debug").build(tmp_path, names)
    disk = Disk(str(tmp_path / "disk"), (1,) * count)
    disk.write_gpt()
    with (
        (tmp_path / "told").open("wb") as told,
        subprocess.Popen(sdfgen_words("run", "--disk", disk.path), cwd=tmp_path, stdout=told, stderr=told) as running,
    ):
        missing = wait(disk, names, running)
        running.terminate()
    assert not missing, (tmp_path / "told").read_text(errors="replace")[-4000:]
