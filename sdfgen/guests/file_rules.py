"""Kernels and initial RAM disks that guests are started from: what Linux and the VMM make of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.guests.files import with_file
from sdfgen.model.guest import CRC, LZ4
from sdfgen.read.kinds import ARM64_IMAGE
from sdfgen.rules.registry import Stage, fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.guest import Guest
    from sdfgen.model.microkit import Origin
    from sdfgen.model.system import System


@rule("SDF080", "the kernel is an arm64 Image", Stage.VALUES)
def kernel_kind(system: System) -> Iterator[Fault]:
    """The VMM copies the file into RAM and jumps to it: nothing is unpacked and no ELF is read."""
    for guest in system.guests:
        image = guest.kernel_image
        if image is not None and image.kind != ARM64_IMAGE:
            message = f"kernel {guest.kernel!r} of guest `{guest.name}` is not {ARM64_IMAGE}: it is {image.kind}"
            advice = image.advice or "give the uncompressed arch/arm64/boot/Image of a kernel build"
            told = with_file(advice, guest.kernel or "")
            yield fault("SDF080", message, (guest.origin, "kernel"), told, _same_file(guest, "kernel"))


_WITHOUT_16_KIB = ("arm,cortex-a53", "arm,cortex-a57", "arm,cortex-a72")
"""Of these, ID_AA64MMFR0_EL1.TGran16 is 0 in Arm's technical reference manuals."""
_LARGE_PAGE_KIB = 16


@rule("SDF136", "the kernel can run on its virtual machine", Stage.VALUES)
def kernel_runs(system: System) -> Iterator[Fault]:
    """A kernel that is cut off jumps into nothing, a big-endian one writes registers the wrong way round.

    A page size that the processor does not have stops it at once; the board file may name another processor than runs.
    """
    for guest in system.guests:
        image, place = guest.kernel_image, (guest.origin, "kernel")
        if image is None:
            continue
        named = f"kernel {guest.kernel!r} of guest `{guest.name}`"
        if image.wrong:
            advice = "build it with CONFIG_CPU_LITTLE_ENDIAN" if "endian" in image.wrong else "copy it anew"
            yield fault("SDF136", f"{named} {image.wrong}", place, advice)
        cpu = system.board.guest.cpu
        if image.page_kib == _LARGE_PAGE_KIB and cpu in _WITHOUT_16_KIB:
            message = f"{named} has pages of {image.page_kib} KiB, and `{cpu}` of board `{system.board.name}` none such"
            yield fault("SDF136", message, place, "build it with CONFIG_ARM64_4K_PAGES", severity="warning")


@rule("SDF134", "the initial RAM disk is what Linux unpacks", Stage.VALUES)
def ram_disk_kind(system: System) -> Iterator[Fault]:
    """Linux unpacks cpio archives of the kinds newc and crc, as they are or compressed, one behind the other.

    Documentation/driver-api/early-userspace/buffer-format.rst and lib/decompress*.c say which. With anything else there
    is a line on the console, and the guest goes on without its files. An image of a file system is for kernels with
    CONFIG_BLK_DEV_RAM that are told `root=/dev/ram0`, and takes no archive behind it.
    """
    for guest in system.guests:
        disk, place = guest.ram_disk, (guest.origin, "initrd")
        if disk is None:
            continue
        named = f"initrd {guest.initrd!r} of guest `{guest.name}`"
        if disk.wrong:
            mounted = disk.mountable and not guest.appended and "root=/dev/ram" in guest.bootargs
            message = f"{named} is not what Linux unpacks: {disk.wrong}"
            severity = "warning" if mounted else "error"
            advice = with_file(disk.advice, guest.initrd or "")
            yield fault("SDF134", message, place, advice, _same_file(guest, "initrd"), severity)
        elif disk.is_empty:
            what = "is empty" if not disk.size_bytes else "holds nothing but zeroes"
            advice = "leave `initrd` out if the guest needs none"
            yield fault("SDF134", f"{named} {what}", place, advice, severity="warning")


_SINCE = {
    CRC: ("is a cpio archive of the kind crc, which Linux unpacks from 5.19 on", "cpio -o -H newc makes one for all"),
    LZ4: (
        "is compressed by lz4, behind which Linux finds what the build appends from 5.14 on",
        "with an earlier kernel, compress it by gzip",
    ),
}


@rule("SDF135", "every Linux takes the initial RAM disk")
def ram_disk_form(system: System) -> Iterator[Fault]:
    """Archives of the kind crc came with 5.19 (init/initramfs.c), zeroes behind lz4 with 5.14 (decompress_unlz4.c)."""
    for guest in system.guests:
        disk = guest.ram_disk
        if disk is None or disk.form not in _SINCE or (disk.form == LZ4 and not guest.appended):
            continue
        what, advice = _SINCE[disk.form]
        message = f"initrd {guest.initrd!r} of guest `{guest.name}` {what}"
        yield fault("SDF135", message, (guest.origin, "initrd"), advice, severity="note")


def _same_file(guest: Guest, key: str) -> list[tuple[Origin, str, str]]:
    """Return the other keys that name a key's file: one of the two was meant to be another."""
    path = getattr(guest, key)
    others = [other for other in ("kernel", "initrd", "dtb") if other != key and getattr(guest, other) is not None]
    same = [other for other in others if os.path.normpath(getattr(guest, other)) == os.path.normpath(path)]
    return [(guest.origin, other, "the same file") for other in same]
