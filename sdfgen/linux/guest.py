"""A kernel and an initial RAM disk of Debian's packages, which boot as driver VM and as client."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from typing import TYPE_CHECKING, Final

from sdfgen.facts.data import data_path
from sdfgen.linux.cache import UnavailableError, need_programs
from sdfgen.linux.cpio import Cpio
from sdfgen.linux.debian import Archive
from sdfgen.linux.needs import built_in, find_modules, module_data, module_order
from sdfgen.linux.uio import CROSS_COMPILE, UIO_MODULE, uio_module
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DRIVER_MODULES: Final = ("virtio_mmio.ko", "virtio_blk.ko", "uio.ko")
_MODULES: Final = (*DRIVER_MODULES, "virtio_console.ko", "crc32c_generic.ko", "ext4.ko")
_BUSYBOX: Final = "busybox-static"
_BUILT_OUT_OF_TREE: Final = "# Built out of tree, and in the initial RAM disk:\nCONFIG_UIO_PDRV_GENIRQ=m\n"
FILES: Final = ("Image", "Image.config", "initrd")
"""What `debian_guest` writes."""


class Wanted(NamedTuple):
    """What boards need beside what QEMU's does.

    Attributes:
        modules: Files of modules; what they need comes along.
        trees: Device trees, as Linux builds them below arch/arm64/boot/dts.
    """

    modules: tuple[str, ...] = ()
    trees: tuple[str, ...] = ()


class Guest(NamedTuple):
    """Where its kernel and its initial RAM disk are."""

    kernel: str
    initrd: str

    @classmethod
    def in_folder(cls, folder: str) -> Guest:
        """Return the guest that `finish` left in a folder."""
        return cls(os.path.join(folder, "kernel"), os.path.join(folder, "initrd"))


def debian_guest(folder: str, say: Callable[[str], None], more: Wanted | None = None) -> tuple[str, ...]:
    """Write a kernel, its configuration and an initial RAM disk; whole or not at all.

    Args:
        folder: Where to; it is made if it is not there.
        say: Takes what is being done.
        more: What boards need beside that; nothing for QEMU's.

    Returns:
        The names of the files that were written.

    Raises:
        UnavailableError: When a package or a program is missing.
        OSError: When a file can't be written.
    """
    say("looking for Debian's arm64 kernel among the packages of this machine's mirror")
    archive = Archive("arm64")
    kernel = archive.depends("linux-image-arm64")
    headers = archive.depends("linux-headers-arm64")
    need_programs("make", CROSS_COMPILE + archive.depends(headers, "gcc-"))
    os.makedirs(folder, exist_ok=True)
    # The kernel's makefiles go from folder to folder.
    with tempfile.TemporaryDirectory(prefix=".sdfgen-guest-", dir=os.path.abspath(folder)) as work:
        root = os.path.join(work, "root")
        say(f"fetching {' '.join(archive.versions(kernel, _BUSYBOX))}")
        archive.unpack(root, kernel, _BUSYBOX)
        wanted = more or Wanted()
        trees = {os.path.basename(tree): _tree(root, tree) for tree in wanted.trees}
        ramdisk = base(data_path("templates", "guest", "init"), root, (*_MODULES, *wanted.modules), UIO_MODULE)
        say(f"building {UIO_MODULE[0]}, which Debian's kernel has not")
        ramdisk.copy(f"modules/{UIO_MODULE[0]}", uio_module(archive, headers, root))
        with open(_only(root, "config-"), encoding="utf-8") as file:
            config = file.read() + _BUILT_OUT_OF_TREE
        for name, tree in trees.items():
            shutil.copyfile(tree, os.path.join(work, name))
        finish(work, root, ramdisk)
        with open(os.path.join(work, "config"), "w", encoding="utf-8") as file:
            file.write(config)
        made_as = {**dict(zip(FILES, ("kernel", "config", "initrd"), strict=True)), **{name: name for name in trees}}
        for name, made in made_as.items():
            os.replace(os.path.join(work, made), os.path.join(folder, name))
    return tuple(made_as)


def base(init: str, root: str, wanted: Sequence[str], *last: Sequence[str]) -> Cpio:
    """Return a RAM disk with BusyBox and modules, in the order in which they can be loaded.

    Args:
        init: The file of its first process.
        root: Where the packages of a kernel and of BusyBox are unpacked.
        wanted: Modules; what they need comes along.
        last: Modules that are not among the packages, each with its parameters, to be loaded behind all others.
    """
    modules = find_modules(root)
    order = module_order(modules, [name.replace("-", "_") for name in wanted], built_in(root))
    ramdisk = Cpio()
    ramdisk.copy("init", init)
    ramdisk.copy("bin/busybox", os.path.join(root, "bin", "busybox"))
    for name in order:
        ramdisk.file(f"modules/{name}", module_data(modules[name]))
    lines = [*order, *(" ".join(words) for words in last)]
    ramdisk.file("modules/order", "".join(f"{line}\n" for line in lines).encode())
    return ramdisk


def finish(folder: str, root: str, ramdisk: Cpio) -> None:
    """Write `kernel` and `initrd` into a folder, and remove the packages.

    Args:
        folder: Where to.
        root: Where the packages are unpacked.
        ramdisk: The initial RAM disk.
    """
    shutil.copyfile(_only(root, "vmlinuz-"), os.path.join(folder, "kernel"))
    with open(os.path.join(folder, "initrd"), "wb") as file:
        file.write(ramdisk.data())
    shutil.rmtree(root)


def _tree(root: str, name: str) -> str:
    """Return the file of a board's tree."""
    found = glob.glob(os.path.join(glob.escape(root), "usr/lib/linux-image-*", name))
    if not found:
        raise UnavailableError(f"Debian's kernel comes without {name}")
    return found[0]


def _only(root: str, prefix: str) -> str:
    """Return the one file below /boot whose name begins so."""
    boot = os.path.join(root, "boot")
    found = [name for name in os.listdir(boot) if name.startswith(prefix)]
    if len(found) != 1:
        raise UnavailableError(f"{len(found)} files {prefix}* in one package of a kernel")
    return os.path.join(boot, found[0])
