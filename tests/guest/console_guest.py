"""A Linux guest with virtio-console and a shell: what it runs has hvc0 as its console, which Debian has as a module."""

from __future__ import annotations

import functools
import os

from sdfgen.linux.cache import made
from sdfgen.linux.debian import Archive
from sdfgen.linux.guest import Guest, base, finish

from .guests import key

INIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "console_init")
MODULES = ("virtio_mmio.ko", "virtio_console.ko")


@functools.cache
def console_guest() -> Guest:
    """Debian's arm64 kernel with virtio-console and BusyBox."""
    archive = Archive("arm64")
    kernel = archive.depends("linux-image-arm64")

    def make(folder: str) -> None:
        root = os.path.join(folder, "root")
        archive.unpack(root, kernel, "busybox-static")
        finish(folder, root, base(INIT, root, MODULES))

    return Guest.in_folder(made(key("console-arm64", archive.versions(kernel, "busybox-static"), INIT, __file__), make))
