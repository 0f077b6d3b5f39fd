"""Linux guests made of Debian's own kernels: each a kernel and an initial ramdisk that runs what a test adds to it."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
from typing import TYPE_CHECKING

from sdfgen.linux import cpio, guest, needs, uio
from sdfgen.linux.cache import made, need_programs
from sdfgen.linux.debian import Archive
from sdfgen.linux.guest import DRIVER_MODULES, Guest, base, finish
from sdfgen.linux.needs import find_programs, libraries
from sdfgen.linux.uio import CROSS_COMPILE, UIO_MODULE, uio_module

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sdfgen.linux.cpio import Cpio

HERE = os.path.dirname(os.path.abspath(__file__))
INIT = os.path.join(HERE, "init")
CLIENT_MODULES = ("virtio_blk.ko", "crc32c_generic.ko", "ext4.ko")


@dataclasses.dataclass(frozen=True, slots=True)
class ClientKind:
    """A client guest. mkfs.ext4 and fsck.ext4 are other names of the first two programs."""

    architecture: str
    transport: str
    programs: tuple[str, ...]
    packages: tuple[str, ...]
    libraries: str
    loader: str


ARM64 = ClientKind(
    architecture="arm64",
    transport="virtio_mmio.ko",
    programs=("mke2fs", "e2fsck"),
    packages=("e2fsprogs",),
    libraries="lib/aarch64-linux-gnu",
    loader="lib/ld-linux-aarch64.so.1",
)
CLIENT_KINDS = {
    "amd64": ClientKind(
        architecture="amd64",
        transport="virtio_pci.ko",
        programs=("mke2fs", "e2fsck", "blkdiscard", "fio"),
        packages=("fio", "e2fsprogs", "util-linux"),
        libraries="lib/x86_64-linux-gnu",
        loader="lib64/ld-linux-x86-64.so.2",
    ),
    "arm64": ARM64,
    "arm64-fio": dataclasses.replace(ARM64, programs=(*ARM64.programs, "fio"), packages=(*ARM64.packages, "fio")),
}


@functools.cache
def client_guest(name: str = "amd64") -> Guest:
    """Debian's kernel with virtio_blk, ext4, e2fsprogs and, where there is RAM for it, fio."""
    kind = CLIENT_KINDS[name]
    archive = Archive(kind.architecture)
    kernel = archive.depends("linux-image-" + kind.architecture)
    packages = archive.with_dependencies(*kind.packages)
    versions = archive.versions(kernel, "busybox-static", *kind.packages)

    def make(folder: str) -> None:
        root = os.path.join(folder, "root")
        archive.unpack(root, kernel, "busybox-static", *packages)
        ramdisk = base(INIT, root, (kind.transport, *CLIENT_MODULES))
        _add_programs(ramdisk, root, kind)
        finish(folder, root, ramdisk)

    return Guest.in_folder(made(key("client-" + name, versions), make))


@functools.cache
def driver_guest() -> Guest:
    """Debian's arm64 kernel with UIO, whose device tree driver is built out of tree."""
    archive = Archive("arm64")
    kernel = archive.depends("linux-image-arm64")
    headers = archive.depends("linux-headers-arm64")
    # The kernel's own compiler, for this machine.
    need_programs("make", CROSS_COMPILE + archive.depends(headers, "gcc-"))
    versions = archive.versions(kernel, "busybox-static", headers)

    def make(folder: str) -> None:
        root = os.path.join(folder, "root")
        archive.unpack(root, kernel, "busybox-static")
        ramdisk = base(INIT, root, DRIVER_MODULES, UIO_MODULE)
        ramdisk.copy("modules/" + UIO_MODULE[0], uio_module(archive, headers, root))
        finish(folder, root, ramdisk)

    return Guest.in_folder(made(key("driver-arm64", versions), make))


def key(name: str, versions: Sequence[str], *files: str) -> str:
    """A folder's name, another one whenever a package, what is written here or one of these files changes."""
    digest = hashlib.sha256("\n".join(versions).encode())
    for own in (*files, INIT, __file__, cpio.__file__, needs.__file__, guest.__file__, uio.__file__):
        with open(own, "rb") as file:
            digest.update(file.read())
    return f"{name}-{digest.hexdigest()[:16]}"


def _add_programs(ramdisk: Cpio, root: str, kind: ClientKind) -> None:
    files = find_programs(root)
    for name in kind.programs:
        ramdisk.copy("usr/bin/" + name, files[name])
    ramdisk.link("usr/bin/mkfs.ext4", "mke2fs")
    ramdisk.link("usr/bin/fsck.ext4", "e2fsck")
    for name in libraries(files, kind.programs):
        ramdisk.copy(f"{kind.libraries}/{name}", files[name])
    ramdisk.link(kind.loader, f"/{kind.libraries}/{os.path.basename(kind.loader)}")
