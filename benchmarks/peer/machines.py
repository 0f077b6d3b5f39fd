"""Facts about the machines that the metaprogram knows.

A module of its own, because that is how the peer's own examples share them; Python caches its bytecode.
"""

from __future__ import annotations

from dataclasses import dataclass

from sdfgen import SystemDescription


@dataclass(frozen=True)
class Machine:
    """A machine, and the device tree nodes of what the drivers drive.

    Attributes:
        arch: Its architecture.
        memory_end: Where the allocation of physical memory starts, downwards.
        uart: Node of the UART.
        disk: Node of the block device.
        network: Node of the network device.
    """

    arch: SystemDescription.Arch
    memory_end: int
    uart: str
    disk: str
    network: str


MACHINES = {
    "qemu_virt_aarch64": Machine(
        arch=SystemDescription.Arch.AARCH64,
        memory_end=0x6000_0000,
        uart="pl011@9000000",
        disk="virtio_mmio@a000200",
        network="virtio_mmio@a000000",
    ),
}
