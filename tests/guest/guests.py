"""Linux guests made of Debian's own kernels: each a kernel and an initial ramdisk that runs what a test adds to it."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

from .cache import UnavailableError, made, need_programs
from .cpio import Cpio
from .debian import Archive, native_architecture
from .needs import built_in, find_modules, find_programs, libraries, module_data, module_order

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENT_MODULES = ("virtio_blk.ko", "crc32c_generic.ko", "ext4.ko")
DRIVER_MODULES = ("virtio_mmio.ko", "virtio_blk.ko", "uio.ko")
CROSS_COMPILE = "aarch64-linux-gnu-"
UIO_SOURCE = "drivers/uio/uio_pdrv_genirq.c"
# The module does not know any device by itself: it is told which `compatible` to take.
UIO_MODULE = ("uio_pdrv_genirq.ko", "of_id=generic-uio")


@dataclasses.dataclass(frozen=True, slots=True)
class Guest:
    """What QEMU needs to boot it."""

    kernel: str
    initrd: str

    @classmethod
    def in_folder(cls, folder: str) -> Guest:
        return cls(os.path.join(folder, "kernel"), os.path.join(folder, "initrd"))


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
        ramdisk = _base(root, (kind.transport, *CLIENT_MODULES))
        _add_programs(ramdisk, root, kind)
        _finish(folder, root, ramdisk)

    return Guest.in_folder(made(_key("client-" + name, versions), make))


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
        ramdisk = _base(root, DRIVER_MODULES, UIO_MODULE)
        ramdisk.copy("modules/" + UIO_MODULE[0], _uio_module(archive, headers, os.path.join(folder, "root")))
        _finish(folder, root, ramdisk)

    return Guest.in_folder(made(_key("driver-arm64", versions), make))


def _key(name: str, versions: Sequence[str]) -> str:
    """A folder's name, another one whenever a package or what is written here changes."""
    digest = hashlib.sha256("\n".join(versions).encode())
    for own in ("init", "guests.py", "needs.py", "cpio.py"):
        with open(os.path.join(HERE, own), "rb") as file:
            digest.update(file.read())
    return f"{name}-{digest.hexdigest()[:16]}"


def _base(root: str, wanted: Sequence[str], *last: Sequence[str]) -> Cpio:
    modules = find_modules(root)
    order = module_order(modules, wanted, built_in(root))
    ramdisk = Cpio()
    ramdisk.copy("init", os.path.join(HERE, "init"))
    ramdisk.copy("bin/busybox", os.path.join(root, "bin", "busybox"))
    for name in order:
        ramdisk.file("modules/" + name, module_data(modules[name]))
    lines = [*order, *(" ".join(words) for words in last)]
    ramdisk.file("modules/order", "".join(line + "\n" for line in lines).encode())
    return ramdisk


def _add_programs(ramdisk: Cpio, root: str, kind: ClientKind) -> None:
    files = find_programs(root)
    for name in kind.programs:
        ramdisk.copy("usr/bin/" + name, files[name])
    ramdisk.link("usr/bin/mkfs.ext4", "mke2fs")
    ramdisk.link("usr/bin/fsck.ext4", "e2fsck")
    for name in libraries(files, kind.programs):
        ramdisk.copy(f"{kind.libraries}/{name}", files[name])
    ramdisk.link(kind.loader, f"/{kind.libraries}/{os.path.basename(kind.loader)}")


def _finish(folder: str, root: str, ramdisk: Cpio) -> None:
    kernels = [name for name in os.listdir(os.path.join(root, "boot")) if name.startswith("vmlinuz-")]
    if len(kernels) != 1:
        raise UnavailableError(f"{len(kernels)} kernels in one package")
    shutil.copyfile(os.path.join(root, "boot", kernels[0]), os.path.join(folder, "kernel"))
    with open(os.path.join(folder, "initrd"), "wb") as file:
        file.write(ramdisk.data())
    shutil.rmtree(root)


def _uio_module(archive: Archive, headers: str, root: str) -> str:
    """Builds uio_pdrv_genirq for that kernel: its headers, this machine's kbuild, the source of the same version."""
    native = Archive(native_architecture())
    archive.unpack(root, headers, archive.depends(headers, "linux-headers-"))
    native.unpack(root, archive.depends(headers, "linux-kbuild-"))
    sources = os.path.join(root, "usr", "src")
    work = os.path.join(sources, "uio")
    os.mkdir(work)
    _extract_source(native, os.path.join(work, os.path.basename(UIO_SOURCE)))
    with open(os.path.join(work, "Kbuild"), "w", encoding="utf-8") as file:
        file.write("obj-m := uio_pdrv_genirq.o\n")
    build = os.path.join(sources, headers)
    # The package says where its other half will be installed.
    makefile = os.path.join(build, "Makefile")
    with open(makefile, "r+", encoding="utf-8") as file:
        text = file.read().replace("/usr/src/", sources + "/")
        file.seek(0)
        file.write(text)
    # Types for BPF would need pahole; modules are loaded without them.
    settings = ("M=" + work, "ARCH=arm64", "CROSS_COMPILE=" + CROSS_COMPILE, "CONFIG_DEBUG_INFO_BTF_MODULES=")
    command = ["make", "-s", "-C", build, *settings, "modules"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UnavailableError(f"{' '.join(command)}: {done.stderr.strip()}")
    return os.path.join(work, UIO_MODULE[0])


def _extract_source(archive: Archive, output: str) -> None:
    (package,) = archive.download([archive.depends("linux-source")])
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as dpkg:
        with tarfile.open(fileobj=dpkg.stdout, mode="r|") as outer:
            for member in outer:
                if member.name.endswith(".tar.xz"):
                    _extract_member(outer, member, output)
                    break
        dpkg.kill()


def _extract_member(outer: tarfile.TarFile, member: tarfile.TarInfo, output: str) -> None:
    with tarfile.open(fileobj=outer.extractfile(member), mode="r|xz") as source, open(output, "wb") as file:
        for inner in source:
            if inner.name.endswith("/" + UIO_SOURCE):
                content = source.extractfile(inner)
                file.write(content.read() if content else b"")
                return
