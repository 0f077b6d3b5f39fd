"""What is emitted of the block subsystem: C tables, UIO nodes, disks, the phys-addr page."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from sdfgen.emit.c.device import DeviceConfig
from sdfgen.emit.c.initialiser import Hex, Ref
from sdfgen.emit.c.text import define, includes, patched, table, with_head
from sdfgen.emit.devicetree.nodes import EDGE_RISING, LEVEL_HIGH, spi
from sdfgen.emit.devicetree.tree import Node, Property, cells64, flag, strings
from sdfgen.model.guest import TimerLink
from sdfgen.model.microkit import Vaddr
from sdfgen.subsystems.block.client import VIRTIO_KIND
from sdfgen.subsystems.block.driver import HOOK_FILE, UIO_COMPATIBLE, UIO_KIND, disk_file
from sdfgen.subsystems.block.model import blocks_of, phys_addr_file
from sdfgen.subsystems.block.phys_page import phys_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.model.guest import EmulatedDevice, Guest
    from sdfgen.model.system import System
    from sdfgen.subsystems.block.model import Block, Disk, Queues
    from sdfgen.subsystems.block.partition_name import PartitionName

DEVICE_KINDS = (UIO_KIND, VIRTIO_KIND)


def files(system: System) -> dict[str, bytes]:
    """Return the virtualisers', UIO drivers' and native clients' tables, and what driver VMs are started with.

    Args:
        system: The system.
    """
    found: dict[str, bytes] = {}
    for block in blocks_of(system):
        found[f"src/{block.name}_uio_table.c"] = with_head(system, _uio_table(block))
        found[f"src/{block.virt}_table.c"] = with_head(system, _virt_table(block))
        if system.guest(block.driver.guest).initrd_bytes is not None:
            found |= {disk_file(block.name): f"{block.driver.storage}\n".encode(), HOOK_FILE: _hook()}
        if block.prefilled:
            found[phys_addr_file(block.name)] = phys_page(system, block)
    for pd, disks in _native(system).items():
        found[f"src/{pd}_block_table.c"] = with_head(system, _native_table(disks))
    return found


def _hook() -> bytes:
    from sdfgen.facts.data import data_path

    with open(data_path("templates", *HOOK_FILE.split("/")), "rb") as file:
        return file.read()


def _native(system: System) -> dict[str, list[tuple[Block, Disk]]]:
    """Return the disks that tables of ours tell protection domains of, by the domain's name, in its list's order."""
    found: dict[str, list[tuple[Block, Disk]]] = {}
    for block in blocks_of(system):
        for disk in block.disks:
            if disk.registers is None and not disk.sddf:
                found.setdefault(disk.pd, []).append((block, disk))
    return {pd: sorted(disks, key=lambda found: found[1].position) for pd, disks in found.items()}


def _slots(block: Block) -> list[object]:
    return [
        {
            "name": slot.name,
            "io_base": Ref(f"&{slot.symbol}"),
            "size_bytes": Hex(slot.size_bytes),
            "map_index": slot.map_index,
        }
        for slot in block.driver.slots
    ]


def _uio_table(block: Block) -> str:
    driver = block.driver
    devices = [{"name": name, "interrupt": number == 0} for number, name in enumerate(driver.devices)]
    maps = [
        {
            "name": m.name,
            "gpa": Hex(m.gpa),
            "size_bytes": Hex(m.size_bytes),
            "device": m.device,
            "map": m.number,
        }
        for m in driver.maps
    ]
    mode = "PHYS_ADDR_LEARNED" if block.learned else "PHYS_ADDR_ASSIGNED"
    return (
        includes("uio_table")
        + patched(slot.symbol for slot in driver.slots)
        + define("const struct uio_device_entry uio_devices", devices, array=True)
        + define("const uint32_t uio_devices_count", len(devices))
        + "\n"
        + define("const struct uio_map_entry uio_maps", maps, array=True)
        + define("const uint32_t uio_maps_count", len(maps))
        + "\n"
        + define("const struct phys_addr_slot phys_addr_slots", _slots(block), array=True)
        + define("const uint32_t phys_addr_slots_count", len(driver.slots))
        + define("const enum phys_addr_mode phys_addr_mode", Ref(mode))
        + "\n"
        + define("const uint32_t uio_block_queue_capacity", driver.capacity)
        + define("const char *const uio_block_storage", driver.storage)
    )


def _connection(queues: Queues, capacity: int, *, extended: bool, resilient: bool) -> dict[str, object]:
    return {
        "storage_info_vaddr": Hex(queues.storage_info),
        "request_vaddr": Hex(queues.requests),
        "response_vaddr": Hex(queues.responses),
        "queue_capacity": capacity,
        "channel": queues.channel,
        "extended": extended,
        "resilient": resilient,
    }


def _virt_data(queues: Queues, size_bytes: int, symbol: str) -> dict[str, object]:
    return {
        "vaddr": Hex(queues.data),
        "size_bytes": Hex(size_bytes),
        "io_base": Ref(f"&{symbol}"),
        "cached": True,
    }


def _virt_table(block: Block) -> str:
    rows: list[object] = [
        {
            "name": disk.label,
            "connection": _connection(
                disk.far,
                disk.capacity,
                extended=block.extended and not disk.sddf,
                resilient=disk.resilient,
            ),
            "data": _virt_data(disk.far, disk.data_bytes, disk.io_symbol),
            "partition": disk.partition.entry or 0,
            "read_only": disk.read_only,
            "weight": disk.weight,
            "bandwidth": disk.bandwidth,
            "iops": disk.iops,
        }
        | ({"partuuid": disk.partition.uuid} if disk.partition.uuid else {})
        | ({"partlabel": disk.partition.label} if disk.partition.label else {})
        for disk in block.disks
    ]
    text, clients = table("clients", "struct block_virt_client", rows)
    timer = block.timer or TimerLink(Vaddr(0), 0)
    config = {
        "driver": {
            "connection": _connection(
                block.virt_queues,
                block.driver.capacity,
                extended=block.extended,
                resilient=block.extended,
            ),
            "data": _virt_data(block.virt_queues, block.virt_data_bytes, block.virt_io_symbol),
        },
        "clients": clients["at"],
        "client_count": clients["count"],
        "timeout_ms": block.timeout_ms,
        "timer": {"page_vaddr": Hex(timer.page), "channel": timer.channel},
    }
    return (
        includes("block_config")
        + patched(slot.symbol for slot in block.driver.slots)
        + text
        + define("const struct block_virt_config block_virt_config", config)
    )


def _client(block: Block, disk: Disk) -> dict[str, object]:
    return {
        "name": disk.name,
        "connection": _connection(
            disk.near,
            disk.capacity,
            extended=block.extended,
            resilient=disk.resilient,
        ),
        "data": {"vaddr": Hex(disk.near.data), "size_bytes": Hex(disk.data_bytes)},
    }


def _native_table(disks: list[tuple[Block, Disk]]) -> str:
    rows = [_client(block, disk) for block, disk in disks]
    return (
        includes("block_config")
        + define("const struct block_client_config block_disks", rows, array=True)
        + define("const uint32_t block_disks_count", len(rows))
    )


def device_config(system: System, _guest: Guest, device: EmulatedDevice) -> DeviceConfig:
    """Return what a VMM is told of a disk, or of its guest's UIO devices.

    Args:
        system: The system.
        _guest: The guest.
        device: Its device.
    """
    if device.kind == UIO_KIND:
        block = next(block for block in blocks_of(system) if block.origin is device.origin)
        slots, refers = table(f"{device.name}_slots", "struct phys_addr_slot", _slots(block))
        members = {
            "phys_addr_vaddr": Hex(block.driver.phys_addr_vaddr),
            "slots": refers["at"],
            "slot_count": refers["count"],
        }
        return DeviceConfig(patched(slot.symbol for slot in block.driver.slots) + slots, members)
    block, disk = next((b, d) for b in blocks_of(system) for d in b.disks if d.origin is device.origin)
    return DeviceConfig("", {"registers_vaddr": Hex(disk.registers or 0), "client": _client(block, disk)})


def nodes(system: System, guest: Guest) -> tuple[Node, ...]:
    """Return a guest's UIO devices and disks.

    Linux binds `generic-uio` nodes once `uio_pdrv_genirq.of_id` is that word, and calls each UIO device after its node,
    without the unit address (drivers/uio/uio_pdrv_genirq.c: `%pOFn`, in old kernels `of_node->name`) or with it (seen
    with 6.12). So libuio finds a device by the node's name in /sys/class/uio/uioN/name, and a map by its name of
    `reg-names`; the number N follows from the order of the nodes and means nothing.

    Args:
        system: The system.
        guest: The guest.
    """
    driven = (block for block in blocks_of(system) if block.driver.guest == guest.name)
    uio = (node for block in driven for node in _uio_nodes(guest, block))
    return (*uio, *(_virtio_blk(device) for device in guest.emulated if device.kind == VIRTIO_KIND))


def _virtio_blk(device: EmulatedDevice) -> Node:
    properties = (
        strings("compatible", "virtio,mmio"),
        Property("reg", (cells64(device.gpa, device.size_bytes),)),
        spi(device.intid, LEVEL_HIGH),
        flag("dma-coherent"),
    )
    return Node(f"virtio-blk@{device.gpa:x}", properties)


def _uio_nodes(guest: Guest, block: Block) -> Iterator[Node]:
    """Yield a node for each UIO device; only the first has the interrupt."""
    driver = block.driver
    row = next(device for device in guest.emulated if device.origin is block.origin)
    for number, group in groupby(driver.maps, key=lambda uio_map: uio_map.device):
        maps = tuple(group)
        properties = [
            strings("compatible", UIO_COMPATIBLE, "uio"),
            Property("reg", tuple(cells64(m.gpa, m.size_bytes) for m in maps)),
            strings("reg-names", *(m.name for m in maps)),
        ]
        if number == 0:
            properties.append(spi(row.intid, EDGE_RISING))
        yield Node(f"{driver.devices[number]}@{maps[0].gpa:x}", tuple(properties))


def _recorded(name: PartitionName) -> int | str:
    return name.text if name.entry is None else name.entry


def records(system: System) -> dict[str, list[dict[str, Any]]]:
    """Return the UIO mappings and the disks for the manifest.

    Args:
        system: The system.
    """
    uio_maps = [
        {
            "device": block.driver.devices[m.device],
            "map": m.number,
            "name": m.name,
            "gpa": hex(m.gpa),
            "size_bytes": m.size_bytes,
            "region": m.region,
        }
        for block in blocks_of(system)
        for m in block.driver.maps
    ]
    disks = [
        {"block": block.name, "owner": disk.owner, "disk": disk.name, "partition": _recorded(disk.partition)}
        for block in blocks_of(system)
        for disk in block.disks
    ]
    return {"uio_maps": uio_maps, "disks": disks}
