"""What the author of examples/imported-guest has beside the system file: a VMM with libvmm and his guest inside."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sdfgen.build.toolchain import LIBVMM, LLD, PD_FLAGS, SDK, ZIG_FLAGS
from tests.guest.client_vm import write_initrd
from tests.guest.guests import client_guest

from .trial import BOARD, QEMU, needed, sdfgen

if TYPE_CHECKING:
    from sdfgen.linux.cpio import Cpio

SOURCE: Final = Path(__file__).parent / "c" / "imported_vmm.c"
FILES: Final = ("kernel", "dtb", "initrd")
DISK_MIB: Final = 1
ZIG: Final = (sys.executable, "-m", "ziglang")
# A guest with the same devices and RAM as the imported one: their device tree is the same.
TWIN: Final = """\
[system]
name = "twin"
boards = ["qemu_virt_aarch64"]
[[guest]]
name = "linux"
devices = ["uart", "virtio_mmio31"]
ram = "128 MiB"
kernel = "kernel"
initrd = "initrd"
"""


def write_imported(folder: Path, extra: Cpio) -> None:
    """The program image that the system file names, whose guest has this besides what a client has; and its disk."""
    client = needed(lambda: client_guest("arm64"), QEMU)
    twin = folder / "twin"
    twin.mkdir()
    shutil.copy(client.kernel, twin / "kernel")
    write_initrd(client, str(twin / "initrd"), extra)
    (twin / "system.toml").write_text(TWIN)
    done = sdfgen("build", "--no-compile", cwd=twin)
    assert done.returncode == 0, done.stderr
    shutil.copy(twin / "build" / BOARD / "dtb" / "linux.dtb", twin / "dtb")
    _link(twin)
    (twin / "vmm.elf").rename(folder / "vmm.elf")
    (folder / "disk").write_bytes(bytes(DISK_MIB << 20))


def _link(folder: Path) -> None:
    sdk = os.path.join(os.environ[SDK], "board", BOARD, "debug")
    libvmm = os.path.join(os.environ[LIBVMM], BOARD, "debug")
    headers = ("-isystem", f"{sdk}/include", "-isystem", f"{libvmm}/include")
    flags = (*ZIG_FLAGS.split(), "-target", "aarch64-freestanding", *PD_FLAGS.split(), *headers)
    embedded = ((*ZIG, LLD, "-m", "aarch64elf", "-r", "-b", "binary", name, "-o", f"{name}.o") for name in FILES)
    objects = ("vmm.o", *(f"{name}.o" for name in FILES))
    libraries = (f"{libvmm}/libvmm.a", f"{sdk}/lib/libmicrokit.a", "-T", f"{sdk}/lib/microkit.ld")
    steps = (
        (*ZIG, "cc", *flags, "-c", str(SOURCE), "-o", "vmm.o"),
        *embedded,
        (*ZIG, LLD, "--build-id=none", *objects, *libraries, "-o", "vmm.elf"),
    )
    for step in steps:
        subprocess.run(step, cwd=folder, check=True)
