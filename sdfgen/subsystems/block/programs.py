"""The programs of the block subsystem: for each a virtualiser and a UIO driver, and what disks need of a VMM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.model.program import Folders, Program
from sdfgen.subsystems.block.client import VIRTIO_KIND
from sdfgen.subsystems.block.driver import UIO_KIND
from sdfgen.subsystems.block.model import blocks_of

if TYPE_CHECKING:
    from sdfgen.model.microkit import Origin
    from sdfgen.model.system import System

DEVICE_FOLDERS = {
    UIO_KIND: Folders(("vmm_uio",), ("common",)),
    VIRTIO_KIND: Folders(("vmm_virtio_blk", "vmm_virtio"), ("virtio_blk", "virtio", "block")),
}
"""By the kind of the device."""
_VIRTUALISER = ("block_virt_pd", "microkit", "cache")
_VIRTUALISER_LIBRARIES = ("block_virt", "block", "common", "counters", "pd")
_UIO_DRIVER = ("uio_block", "uio", "block", "common")


def programs(system: System) -> tuple[Program, ...]:
    """Return the programs.

    Args:
        system: The system.
    """
    images = system.images_by_pd()
    found = []
    for block in blocks_of(system):
        virt = (f"src/{block.virt}_table.c",)
        found.append(Program(images[block.virt], block.origin, block.virt, virt, _VIRTUALISER, _VIRTUALISER_LIBRARIES))
        found.append(Program(block.driver.elf, block.origin, None, (f"src/{block.name}_uio_table.c",), _UIO_DRIVER))
    return tuple(found)


def tables(system: System) -> dict[str, Origin]:
    """Return generated C that is compiled for native clients to link, each with the table that it comes from.

    Args:
        system: The system.
    """
    domains = {pd.name: pd.origin for pd in system.all_pds()}
    native = {d.pd for block in blocks_of(system) for d in block.disks if d.registers is None and not d.sddf}
    return {f"src/{pd}_block_table.c": domains[pd] for pd in sorted(native)}
