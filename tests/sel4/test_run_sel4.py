"""`sdfgen run` with nothing standing in: the example on seL4 in QEMU, with Linux guests made for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sdfgen.linux.cpio import Cpio
from tests.guest.client_vm import write_initrd
from tests.guest.guests import driver_guest

from .trial import QEMU, needed, sdfgen, sdk_version, write_description, write_driver

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sel4

MIB = 1 << 20
ONLY_BINARY = ("1.4.1", "2.0.1")
TIMEOUT_S = 600
CLIENTS = {"client1": "disk = [{ partition = 0 }]", "client2": "disk = [{ partition = 2 }]"}
# Says what the disk begins with, and writes the guest's name one MiB behind that.
CLIENT = """\
echo "@@ size $(cat /sys/block/vda/size)"
echo "@@ first $(dd if=/dev/vda bs=4096 count=1 | head -n 1)"
printf %s {name} | dd of=/dev/vda bs=1M seek=1 conv=fsync && echo "@@ written"
while :; do sleep 1000; done
"""


def write_project(folder: Path, slot: int) -> None:
    guest = needed(driver_guest, QEMU)
    write_description(folder, guest.kernel, CLIENTS, slot)
    write_driver(guest, folder / "driver")
    for name in CLIENTS:
        extra = Cpio()
        extra.file("test/run", CLIENT.format(name=name).encode())
        write_initrd(guest, str(folder / name), extra)
    for name in CLIENTS:
        (folder / f"{name}.content").write_bytes(f"content of {name}\n".encode())


@pytest.mark.parametrize(("table", "slot", "image"), [("gpt", 31, "binary"), ("mbr", 4, "elf")])
def test_two_clients_read_their_partitions_and_write_them(table: str, slot: int, image: str, tmp_path: Path) -> None:
    write_project(tmp_path, slot)
    kind = "binary" if sdk_version() in ONLY_BINARY else image
    expected = [
        text
        for name, mib in zip(CLIENTS, (16, 64), strict=True)
        for text in (f"{name}:@@ size {mib * MIB // 512}$", f"{name}:@@ first content of {name}$", f"{name}:@@ written")
    ]
    done = sdfgen(
        "run",
        *(
            "--set",
            f'system.image="{kind}"',
            "--timeout",
            str(TIMEOUT_S),
            "--disk",
            "disk",
            "--table",
            table,
            "--disk-size",
            "client1=16MiB",
        ),
        *(word for name in CLIENTS for word in ("--fill", f"{name}={name}.content")),
        *(word for text in expected for word in ("--expect", text)),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    made = (tmp_path / "build" / "qemu_virt_aarch64" / "loader.img").read_bytes()
    assert made.startswith(b"\x7fELF") is (kind == "elf")
    disk = (tmp_path / "disk").read_bytes()
    for name, start in zip(CLIENTS, (1, 17), strict=True):
        partition = disk[start * MIB :]
        assert partition.startswith(f"content of {name}\n".encode())
        assert partition[MIB:].startswith(name.encode() + b"\0")
