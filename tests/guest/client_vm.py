"""A Linux with our devices as its disks, behind vhost-user."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.linux.cpio import Cpio

from .machine import Machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sdfgen.linux.guest import Guest

    from .backend import Client

HERE = os.path.dirname(os.path.abspath(__file__))
MEMORY_MIB = 512


def initrd_with(guest: Guest, folder: str, script: str) -> str:
    """The guest's initial ramdisk, and a second archive with what it is to run."""
    extra = Cpio()
    extra.copy("test/run", os.path.join(HERE, "scripts", script))
    return write_initrd(guest, os.path.join(folder, "initrd"), extra)


def write_initrd(guest: Guest, path: str, extra: Cpio) -> str:
    with open(guest.initrd, "rb") as base, open(path, "wb") as file:
        file.write(base.read() + extra.data())
    return path


def boot_client(guest: Guest, folder: str, script: str, clients: Sequence[Client]) -> Machine:
    """Boots with one disk per client, in their order, and runs a script of this folder."""
    return boot_with(guest, folder, initrd_with(guest, folder, script), clients)


def boot_with(guest: Guest, folder: str, initrd: str, clients: Sequence[Client]) -> Machine:
    """Boots an initial ramdisk made for this boot, which is removed when the machine ends."""
    command = [
        "qemu-system-x86_64",
        *("-machine", "pc,memory-backend=ram", "-accel", "tcg", "-cpu", "max", "-m", str(MEMORY_MIB)),
        *("-object", f"memory-backend-memfd,id=ram,size={MEMORY_MIB}M,share=on"),
        *("-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio"),
        *("-kernel", guest.kernel, "-initrd", initrd),
        *("-append", "console=ttyS0 quiet loglevel=1 panic=-1"),
    ]
    for index, client in enumerate(clients):
        command += ["-chardev", f"socket,id=disk{index},path={client.socket},reconnect=1"]
        command += ["-device", f"vhost-user-blk-pci,chardev=disk{index},num-queues=1"]
    return Machine(command, os.path.join(folder, "console.log"), [initrd])
