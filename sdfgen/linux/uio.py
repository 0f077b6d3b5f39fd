"""The module that makes UIO devices of a device tree's nodes, built for Debian's kernel, which leaves it out."""

from __future__ import annotations

import os
import subprocess
import tarfile
from typing import Final

from sdfgen.linux.cache import UnavailableError
from sdfgen.linux.debian import Archive, native_architecture

CROSS_COMPILE: Final = "aarch64-linux-gnu-"
UIO_MODULE: Final = ("uio_pdrv_genirq.ko", "of_id=generic-uio")
"""The module does not know any device by itself: it is told which `compatible` to take."""
_SOURCE: Final = "drivers/uio/uio_pdrv_genirq.c"


def uio_module(archive: Archive, headers: str, root: str) -> str:
    """Return the path of the module, built of a kernel's headers, this machine's kbuild and the source of its version.

    Args:
        archive: The packages of the kernel's architecture.
        headers: The package with the kernel's headers.
        root: A folder to unpack and to build in.

    Raises:
        UnavailableError: When a package or a program is missing, or the module can't be built.
    """
    native = Archive(native_architecture())
    archive.unpack(root, headers, archive.depends(headers, "linux-headers-"))
    native.unpack(root, archive.depends(headers, "linux-kbuild-"))
    sources = os.path.join(root, "usr", "src")
    work = os.path.join(sources, "uio")
    os.mkdir(work)
    _extract_source(native, os.path.join(work, os.path.basename(_SOURCE)))
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
            if inner.name.endswith("/" + _SOURCE):
                content = source.extractfile(inner)
                file.write(content.read() if content else b"")
                return
