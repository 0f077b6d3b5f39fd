"""The example with a monitor on seL4: what it counts is said there, and read from QEMU's memory; partitions by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sdfgen.linux.cpio import Cpio
from tests.guest.client_vm import write_initrd
from tests.guest.guests import driver_guest

from .trial import QEMU, needed, sdfgen, write_description, write_driver

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sel4

TIMEOUT_S = 600
MIB = 1 << 20
CLIENTS = {
    "client1": 'disk = [{ partition = "PARTLABEL=Größe" }]',
    "client2": 'disk = [{ partition = "PARTUUID=0fc63daf-8483-4772-8e79-3d69d8477de4" }]',
}
CLIENT = """\
echo "@@ first $(dd if=/dev/vda bs=4096 count=1 | head -n 1)"
cd /sys/block/vda/queue
echo "@@ discard $(cat discard_max_bytes) zeroes $(cat write_zeroes_max_bytes)"
dd if=/dev/zero of=/dev/vda bs=64k count=32 seek=16 conv=fsync && echo "@@ written"
while :; do sleep 1000; done
"""
MONITOR = """
[monitor]
interval = 4
"""


def test_counters_of_a_system_with_named_partitions(tmp_path: Path) -> None:
    guest = needed(driver_guest, QEMU)
    write_description(tmp_path, guest.kernel, CLIENTS)
    with open(tmp_path / "system.toml", "a", encoding="utf-8") as file:
        file.write(MONITOR)
    write_driver(guest, tmp_path / "driver")
    for name in CLIENTS:
        extra = Cpio()
        extra.file("test/run", CLIENT.encode())
        write_initrd(guest, str(tmp_path / name), extra)
        (tmp_path / f"{name}.content").write_bytes(f"content of {name}\n".encode())
    expected = [f"{name}:{text}" for name in CLIENTS for text in (f"@@ first content of {name}$", "@@ written")]
    expected += [f"^counters: block_virt {name}_0: requests [0-9]+ bytes [0-9]{{7}}" for name in CLIENTS]
    done = sdfgen(
        *("run", "--timeout", str(TIMEOUT_S), "--stats", "--disk-size", "16MiB"),
        *(word for name in CLIENTS for word in ("--fill", f"{name}={name}.content")),
        *(word for text in expected for word in ("--expect", text)),
        cwd=tmp_path,
    )
    said = done.stdout[-4000:] + done.stderr
    assert done.returncode == 0, said
    for name in CLIENTS:
        (row,) = re.findall(rf"^block_virt {name}_0 +(\d+) +(\d+) +0 +0 +(\d+) +(\d+) +0$", done.stderr, re.MULTILINE)
        requests, moved_bytes, depth, wait_ns = map(int, row)
        assert requests >= 3, said
        assert moved_bytes >= 2 * MIB
        assert depth >= 1
        assert wait_ns < TIMEOUT_S * 1_000_000_000
        (injections,) = re.findall(rf"^{name}_vmm +(\d+) +0 +0$", done.stderr, re.MULTILINE)
        assert int(injections) > 10, said
