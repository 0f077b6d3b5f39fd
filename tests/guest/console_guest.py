"""A Linux guest with virtio-console and a shell: what it runs has hvc0 as its console, which Debian has as a module."""

from __future__ import annotations

import functools
import hashlib
import os
from typing import TYPE_CHECKING

from .cache import made
from .cpio import Cpio
from .debian import Archive
from .guests import Guest, _finish
from .needs import built_in, find_modules, module_data, module_order

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = ("virtio_mmio.ko", "virtio_console.ko")


@functools.cache
def console_guest() -> Guest:
    """Debian's arm64 kernel with virtio-console and BusyBox."""
    archive = Archive("arm64")
    kernel = archive.depends("linux-image-arm64")

    def make(folder: str) -> None:
        root = os.path.join(folder, "root")
        archive.unpack(root, kernel, "busybox-static")
        _finish(folder, root, _ramdisk(root))

    return Guest.in_folder(made(f"console-arm64-{_digest(archive.versions(kernel, 'busybox-static'))}", make))


def _digest(versions: Sequence[str]) -> str:
    digest = hashlib.sha256("\n".join(versions).encode())
    for own in ("console_init", "console_guest.py", "needs.py", "cpio.py"):
        with open(os.path.join(HERE, own), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()[:16]


def _ramdisk(root: str) -> Cpio:
    modules = find_modules(root)
    order = module_order(modules, MODULES, built_in(root))
    ramdisk = Cpio()
    ramdisk.copy("init", os.path.join(HERE, "console_init"))
    ramdisk.copy("bin/busybox", os.path.join(root, "bin", "busybox"))
    for name in order:
        ramdisk.file("modules/" + name, module_data(modules[name]))
    ramdisk.file("modules/order", "".join(name + "\n" for name in order).encode())
    return ramdisk
