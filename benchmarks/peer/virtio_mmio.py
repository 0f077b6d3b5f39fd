"""A metaprogram for PyPI's sdfgen: a Linux guest with virtio console, disk and network, each served by sDDF.

Of the same make as the example of that name in libvmm, written for this benchmark. The interpreter that runs it has
PyPI's `sdfgen`, not this project.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from machines import MACHINES

from sdfgen import DeviceTree, Sddf, SystemDescription, Vmm

if TYPE_CHECKING:
    from machines import Machine

PEER_VERSION = "0.35"
Domains = dict[str, SystemDescription.ProtectionDomain]

DOMAINS = {
    "guest_vmm": {"priority": 100, "stack_size": 0x4000},
    "uart_driver": {"priority": 200},
    "uart_virt_rx": {"priority": 199, "stack_size": 0x2000},
    "uart_virt_tx": {"priority": 199},
    "net_driver": {"priority": 101, "budget": 100, "period": 400},
    "net_virt_rx": {"priority": 99},
    "net_virt_tx": {"priority": 100, "budget": 20000},
    "net_copier": {"priority": 98, "budget": 20000},
    "disk_driver": {"priority": 200},
    "disk_virt": {"priority": 199, "stack_size": 0x2000},
}


def require_version() -> None:
    """Leave when the library is not the one this is written for, as the peer's own metaprograms do."""
    from importlib.metadata import version

    if not version("sdfgen").startswith(f"{PEER_VERSION}."):
        sys.exit(f"this metaprogram is for sdfgen {PEER_VERSION}")


def add_domains(system: SystemDescription) -> Domains:
    """Add the ten protection domains."""
    domains = {}
    for name, options in DOMAINS.items():
        domains[name] = SystemDescription.ProtectionDomain(name, f"{name}.elf", **options)
        system.add_pd(domains[name])
    return domains


def add_serial(
    system: SystemDescription, domains: Domains, node: DeviceTree.Node, guest: Vmm, device: DeviceTree.Node
) -> Sddf.Serial:
    """Add the serial subsystem and the guest's console."""
    serial = Sddf.Serial(
        system,
        node,
        domains["uart_driver"],
        domains["uart_virt_tx"],
        virt_rx=domains["uart_virt_rx"],
        enable_color=False,
    )
    guest.add_virtio_mmio_console(device, serial)
    return serial


def add_network(
    system: SystemDescription, domains: Domains, node: DeviceTree.Node, guest: Vmm, device: DeviceTree.Node
) -> Sddf.Net:
    """Add the network subsystem and the guest's network device."""
    network = Sddf.Net(system, node, domains["net_driver"], domains["net_virt_tx"], domains["net_virt_rx"])
    guest.add_virtio_mmio_net(device, network, copier=domains["net_copier"])
    return network


def add_disk(
    system: SystemDescription, domains: Domains, node: DeviceTree.Node, guest: Vmm, device: DeviceTree.Node
) -> Sddf.Blk:
    """Add the block subsystem and the guest's disk."""
    disk = Sddf.Blk(system, node, domains["disk_driver"], domains["disk_virt"])
    guest.add_virtio_mmio_blk(device, disk, partition=0)
    return disk


def generate(machine: Machine, tree: DeviceTree, guest_tree: DeviceTree, folder: str) -> str:
    """Write the configuration blobs into a folder and return the system file's text."""
    system = SystemDescription(machine.arch, machine.memory_end)
    domains = add_domains(system)
    vm = SystemDescription.VirtualMachine("linux", [SystemDescription.VirtualMachine.Vcpu(id=0)])
    guest = Vmm(system, domains["guest_vmm"], vm, guest_tree)
    parts = [
        add_serial(system, domains, tree.node(machine.uart), guest, guest_tree.node("console@130000")),
        add_disk(system, domains, tree.node(machine.disk), guest, guest_tree.node("disk@150000")),
        add_network(system, domains, tree.node(machine.network), guest, guest_tree.node("network@160000")),
        guest,
    ]
    for part in parts:
        if not part.connect() or not part.serialise_config(folder):
            sys.exit(f"{type(part).__name__} was refused")
    return system.render()


def read_tree(path: str) -> DeviceTree:
    """Read a device tree blob."""
    with open(path, "rb") as file:
        return DeviceTree(file.read())


def main() -> None:
    """Run the metaprogram."""
    parser = argparse.ArgumentParser(description="Write virtio_mmio.system and its configuration blobs.")
    parser.add_argument("--board", required=True, choices=list(MACHINES))
    parser.add_argument("--sddf", required=True, help="folder with drivers/*/…/config.json")
    parser.add_argument("--dtb", required=True, help="device tree blob of the board")
    parser.add_argument("--guest-dtb", required=True, help="device tree blob of the guest")
    parser.add_argument("--output", required=True, help="folder for the files")
    parser.add_argument("--any-version", action="store_true", help="do not check the library's version")
    arguments = parser.parse_args()
    if not arguments.any_version:
        require_version()
    Sddf(arguments.sddf)
    text = generate(
        MACHINES[arguments.board], read_tree(arguments.dtb), read_tree(arguments.guest_dtb), arguments.output
    )
    with open(os.path.join(arguments.output, "virtio_mmio.system"), "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
