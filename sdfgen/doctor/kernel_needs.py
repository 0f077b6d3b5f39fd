"""Which options a guest's kernel must have: for the nodes of its device tree, its disk, and its initial RAM disk."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from sdfgen.guests.base_trees import based_guests
from sdfgen.guests.tree_index import ancestors
from sdfgen.guests.tree_suppliers import suppliers
from sdfgen.guests.trees import own_paths, tree_files
from sdfgen.read.kinds import HEAD_BYTES, kind_of
from sdfgen.records import NamedTuple
from sdfgen.subsystems import register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.guests.base_trees import Based
    from sdfgen.model.guest import Guest
    from sdfgen.model.system import System

_COMPATIBLE: Final = re.compile(r"compatible = ([^;]+);")
_STRING: Final = re.compile(r'"([^"]*)"')


class Need(NamedTuple):
    """A kernel option that a guest can't do without.

    Attributes:
        option: Its name, without `CONFIG_`.
        why: What it is for.
        built_in: A module comes too late.
    """

    option: str
    why: str
    built_in: bool = False


_ALWAYS: Final = (
    Need("DEVTMPFS", "device files in /dev", built_in=True),
    Need("PROC_FS", "/proc", built_in=True),
    Need("SYSFS", "/sys", built_in=True),
)
_WITH_RAM_DISK: Final = Need("BLK_DEV_INITRD", "its initial RAM disk", built_in=True)
_WITH_PROGRAM: Final = Need("BINFMT_SCRIPT", "the script that starts the driver", built_in=True)
"""Of a guest to whose RAM disk the build adds programs."""
_BY_COMPATIBLE: Final[dict[str, tuple[Need, ...]]] = {
    "virtio,mmio": (Need("VIRTIO_MMIO", "virtio devices at addresses of the device tree"),),
    "generic-uio": (
        Need("UIO", "programs that drive devices: at most five mappings each"),
        Need("UIO_PDRV_GENIRQ", "UIO devices of the device tree, by uio_pdrv_genirq.of_id on the command line"),
    ),
    "arm,pl011": (
        Need("SERIAL_AMBA_PL011", "the console", built_in=True),
        Need("SERIAL_AMBA_PL011_CONSOLE", "the kernel's messages there", built_in=True),
    ),
    "arm,pl031": (Need("RTC_DRV_PL031", "the clock that it is given"),),
    "amlogic,meson-gx-uart": (
        Need("SERIAL_MESON", "the console", built_in=True),
        Need("SERIAL_MESON_CONSOLE", "the kernel's messages there", built_in=True),
    ),
    "amlogic,meson-axg-mmc": (Need("MMC_MESON_GX", "the controller of cards and eMMC"),),
    "amlogic,meson-gx-mmc": (Need("MMC_MESON_GX", "the controller of cards and eMMC"),),
    "amlogic,meson-g12a-dwmac": (Need("DWMAC_MESON", "the network controller"),),
    "amlogic,sm1-clkc": (Need("COMMON_CLK_G12A", "clocks of its devices"),),
    "amlogic,meson-axg-reset": (Need("RESET_MESON", "resets of its devices"),),
    "amlogic,meson-g12a-periphs-pinctrl": (Need("PINCTRL_MESON_G12A", "pins of its devices"),),
    "amlogic,meson-sm1-pwrc": (Need("MESON_EE_PM_DOMAINS", "power of its devices"),),
    "regulator-fixed": (Need("REGULATOR_FIXED_VOLTAGE", "what feeds its devices"),),
    "regulator-gpio": (Need("REGULATOR_GPIO", "what feeds its devices"),),
    "mmc-pwrseq-emmc": (Need("PWRSEQ_EMMC", "the reset of the eMMC"),),
}
"""By `compatible` of a node, what of Linux drives it."""
_BY_DISK: Final[dict[str, tuple[Need, ...]]] = {
    "/dev/vd": (Need("VIRTIO_BLK", "the disk that it drives"),),
    "/dev/mmcblk": (Need("MMC", "the card that it drives"), Need("MMC_BLOCK", "disks on it")),
    "/dev/sd": (Need("SCSI", "the disk that it drives"), Need("BLK_DEV_SD", "disks of SCSI and USB")),
    "/dev/nvme": (Need("BLK_DEV_NVME", "the disk that it drives"),),
}
"""By how Linux calls the disk."""
_VIRTIO: Final = "virtio_"
_COMPRESSED: Final = "compressed by "


def kernel_needs(system: System, guest: Guest) -> list[Need]:
    """Return what a guest's kernel must have, each option once.

    Args:
        system: The system.
        guest: The guest.
    """
    return list({need.option: need for need in _needs(system, guest)}.values())


def _needs(system: System, guest: Guest) -> Iterator[Need]:
    yield from _ALWAYS
    if guest.initrd is not None:
        yield from _of_ram_disk(os.path.join(system.folder, guest.initrd))
    if guest.appended:
        yield _WITH_PROGRAM
    for compatible in (*_of_tree(system, guest), *_of_devices(system, guest)):
        yield from _BY_COMPATIBLE.get(compatible, ())
    for device in guest.emulated:
        if device.kind.startswith(_VIRTIO):
            yield Need(device.kind.upper(), f"its `{device.name}`")
    for storage in system.storage:
        if storage.guest == guest.name:
            yield from next((needs for start, needs in _BY_DISK.items() if storage.device.startswith(start)), ())


def _of_ram_disk(path: str) -> Iterator[Need]:
    yield _WITH_RAM_DISK
    try:
        with open(path, "rb") as file:
            name = kind_of(file.read(HEAD_BYTES)).name
    except OSError:  # the description's check tells
        return
    if name.startswith(_COMPRESSED):
        method = name.removeprefix(_COMPRESSED).split()[0]
        yield Need(f"RD_{method.upper()}", f"a RAM disk that is {_COMPRESSED}{method}", built_in=True)


def _of_tree(system: System, guest: Guest) -> list[str]:
    """Return `compatible` of all nodes that are made for a guest."""
    files = tree_files(system, [role.nodes for role in register.emitters()])
    texts = [
        files[name].decode() for name in (f"dts/{guest.name}.dts", f"dts/{guest.name}.overlay.dts") if name in files
    ]
    return [word for text in texts for values in _COMPATIBLE.findall(text) for word in _STRING.findall(values)]


def _of_devices(system: System, guest: Guest) -> Iterator[str]:
    """Yield `compatible` of the devices that a guest is given in the board's own tree, and of what these need."""
    for based in based_guests(system):
        for path in _given(based) if based.guest is guest else ():
            node = based.nodes[path].node
            needed = [supplier for _, supplier in suppliers(node, based.nodes, based.phandles)]
            for place in (path, *needed, *(above for supplier in needed for above in ancestors(supplier))):
                words = based.nodes[place].node.properties.get("compatible", b"")
                yield from words.decode("ascii", "replace").split("\0")


def _given(based: Based) -> Iterator[str]:
    """Yield the paths of nodes of a guest's own devices that there are."""
    for device in based.devices:
        yield from (path for path in own_paths(device) if path in based.nodes)
