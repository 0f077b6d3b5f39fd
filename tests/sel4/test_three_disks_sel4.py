"""A guest with three disks of two block subsystems, each driven by a guest of its own, on seL4 in QEMU."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

from sdfgen.linux.cpio import Cpio
from tests.guest.client_vm import write_initrd
from tests.guest.guests import client_guest, driver_guest

from .trial import QEMU, needed, sdfgen, write_driver

pytestmark = pytest.mark.sel4

MIB: Final = 1 << 20
TIMEOUT_S: Final = 900
SIZES_MIB: Final = {"app_0": 16, "app_logs": 24, "app_2": 8}
SCRIPT: Final = Path(__file__).parent / "scripts" / "three.sh"
TEXT: Final = """
[system]
name = "three"
boards = ["qemu_virt_aarch64"]
[[guest]]
name = "driver1"
devices = ["virtio_mmio31"]
kernel = "kernel"
initrd = "driver"
[[guest]]
name = "driver2"
devices = ["virtio_mmio23"]
kernel = "kernel"
initrd = "driver"
[[guest]]
name = "app"
kernel = "app_kernel"
initrd = "app"
disk = [
    { block = "fast", partition = 1 },
    { block = "slow", name = "logs", partition = 0 },
    { block = "fast", partition = 0, read_only = true },
]
[[block]]
name = "fast"
driver = "driver1"
storage = "/dev/vda"
[[block]]
name = "slow"
driver = "driver2"
storage = "/dev/vda"
"""


def write_project(folder: Path) -> None:
    driver, client = needed(lambda: (driver_guest(), client_guest("arm64")), QEMU)
    (folder / "kernel").symlink_to(driver.kernel)
    (folder / "app_kernel").symlink_to(client.kernel)
    write_driver(driver, folder / "driver")
    extra = Cpio()
    extra.copy("test/run", os.fspath(SCRIPT))
    write_initrd(client, str(folder / "app"), extra)
    (folder / "system.toml").write_text(TEXT)
    for name in SIZES_MIB:
        (folder / f"{name}.content").write_bytes(f"content of {name}\n".encode())


def test_two_of_three_disks_are_mounted_at_once(tmp_path: Path) -> None:
    write_project(tmp_path)
    disks = [
        f"app:@@ vd{letter} {SIZES_MIB[name] * MIB // 512} {read_only} content of {name}$"
        for letter, name, read_only in (("a", "app_0", 0), ("b", "app_logs", 0), ("c", "app_2", 1))
    ]
    expected = [*disks, "app:@@ mounted 2$", "app:@@ same$", "app:@@ unmounted$"]
    done = sdfgen(
        "run",
        *("--timeout", str(TIMEOUT_S), "--disk", "fast=fast.img", "--disk", "slow=slow.img"),
        *(word for name, size in SIZES_MIB.items() for word in ("--disk-size", f"{name}={size}MiB")),
        *(word for name in SIZES_MIB for word in ("--fill", f"{name}={name}.content")),
        *(word for text in expected for word in ("--expect", text)),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert (tmp_path / "fast.img").read_bytes()[MIB:].startswith(b"content of app_2\n")
