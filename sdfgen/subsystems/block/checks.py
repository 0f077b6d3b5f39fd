"""What the files made of the block subsystem must say: it shares nothing with what writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdfgen.guests.checks import shared_interrupt, two_cells
from sdfgen.model.told import Field, From, To
from sdfgen.subsystems.block.client import VIRTIO_KIND
from sdfgen.subsystems.block.driver import MAPS_PER_UIO_DEVICE, UIO_KIND
from sdfgen.subsystems.block.model import blocks_of, phys_addr_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.guests.checks import Nodes
    from sdfgen.model.guest import EmulatedDevice, Guest
    from sdfgen.model.system import System
    from sdfgen.subsystems.block.model import Block, Disk, Queues

# templates/c/include/sdfgen/phys_addr.h
_ASSIGNED, _LEARNED = 0, 1
_PAGE_MAGIC, _PAGE_VERSION = b"SDFGPHYS", 1
_PAGE_HEADER_BYTES, _PAGE_ENTRY_BYTES = 24, 24


def tables(system: System) -> dict[str, dict[str, Any]]:
    """Return what the variables of the subsystem's C tables hold, by variable, by file.

    Args:
        system: The system.
    """
    found: dict[str, dict[str, Any]] = {}
    natives: dict[str, list[tuple[Block, Disk]]] = {}
    for block in blocks_of(system):
        found[f"src/{block.name}_uio_table.c"] = _uio(block)
        found[f"src/{block.virt}_table.c"] = {"block_virt_config": _virtualiser(block)}
        for disk in block.disks:
            if disk.registers is None and not disk.sddf:
                natives.setdefault(disk.pd, []).append((block, disk))
    for pd, disks in natives.items():
        rows = [_client(block, disk) for block, disk in sorted(disks, key=lambda one: one[1].position)]
        found[f"src/{pd}_block_table.c"] = {"block_disks": rows, "block_disks_count": len(rows)}
    return found


def _uio(block: Block) -> dict[str, Any]:
    driver = block.driver
    maps = [
        {"name": m.name, "gpa": m.gpa, "size_bytes": m.size_bytes, "device": at // MAPS_PER_UIO_DEVICE}
        | {"map": at % MAPS_PER_UIO_DEVICE}
        for at, m in enumerate(driver.maps)
    ]
    found = {
        "uio_devices": [{"name": name, "interrupt": at == 0} for at, name in enumerate(driver.devices)],
        "uio_devices_count": len(driver.devices),
        "uio_maps": maps,
        "uio_maps_count": len(maps),
        "phys_addr_slots": _slots(block),
        "phys_addr_slots_count": len(driver.slots),
        "phys_addr_mode": From(_LEARNED if block.learned else _ASSIGNED, block.origin, "physical_addresses"),
        "uio_block_queue_capacity": From(driver.capacity, block.origin, "queue_capacity"),
        "uio_block_storage": From(driver.storage, block.origin, "storage"),
    }
    return {
        name: value if isinstance(value, From) else From(value, block.origin, "driver") for name, value in found.items()
    }


def _slots(block: Block) -> list[dict[str, Any]]:
    return [
        {"name": slot.name, "io_base": To(slot.symbol), "size_bytes": slot.size_bytes, "map_index": slot.map_index}
        for slot in block.driver.slots
    ]


def _virtualiser(block: Block) -> From:
    own = _mapped_data(block.virt_queues, block.virt_data_bytes, block.virt_io_symbol)
    clients = [_served(block, disk) for disk in block.disks]
    driver = {"connection": _connection(block.virt_queues, block.driver.capacity, block.extended, True), "data": own}
    page, channel = block.timer or (0, 0)
    config = {
        "driver": driver,
        "clients": clients or None,
        "client_count": len(clients),
        "timeout_ms": From(block.timeout_ms, block.origin, "timeout"),
        "timer": {"page_vaddr": page, "channel": channel},
    }
    return From(config, block.origin, "name")


def _served(block: Block, disk: Disk) -> From:
    row = {
        "name": f"{disk.owner}_{disk.name}",
        "connection": _connection(
            disk.far, disk.capacity, False if disk.sddf else block.extended, disk.registers is not None
        ),
        "data": _mapped_data(disk.far, disk.data_bytes, disk.io_symbol),
        "partition": From(disk.partition.entry or 0, disk.origin, "partition"),
        "partuuid": From(disk.partition.uuid, disk.origin, "partition"),
        "partlabel": From(disk.partition.label, disk.origin, "partition"),
        "read_only": From(disk.read_only, disk.origin, "read_only"),
        "weight": From(disk.weight, disk.origin, "weight"),
        "bandwidth": From(disk.bandwidth, disk.origin, "bandwidth"),
        "iops": From(disk.iops, disk.origin, "iops"),
    }
    return From(row, disk.origin, "name")


def _mapped_data(queues: Queues, size_bytes: int, symbol: str) -> dict[str, Any]:
    return {"vaddr": queues.data, "size_bytes": size_bytes, "io_base": To(symbol), "cached": True}


def _connection(queues: Queues, capacity: int, extended: object, resilient: object) -> dict[str, Any]:
    return {
        "storage_info_vaddr": queues.storage_info,
        "request_vaddr": queues.requests,
        "response_vaddr": queues.responses,
        "queue_capacity": capacity,
        "channel": queues.channel,
        "extended": extended,
        "resilient": resilient,
    }


def _client(block: Block, disk: Disk) -> From:
    row = {
        "name": disk.name,
        "connection": _connection(disk.near, disk.capacity, block.extended, disk.registers is not None),
        "data": {"vaddr": disk.near.data, "size_bytes": disk.data_bytes},
    }
    return From(row, disk.origin, "name")


def device_config(system: System, _guest: Guest, device: EmulatedDevice) -> object:
    """Return what the configuration of one of the subsystem's emulated devices holds.

    Args:
        system: The system.
        _guest: The guest.
        device: Its device.
    """
    if device.kind == UIO_KIND:
        block = next(block for block in blocks_of(system) if block.origin is device.origin)
        slots = _slots(block)
        return {"phys_addr_vaddr": block.driver.phys_addr_vaddr, "slots": slots or None, "slot_count": len(slots)}
    block, disk = next((b, d) for b in blocks_of(system) for d in b.disks if d.origin is device.origin)
    return {"registers_vaddr": disk.registers, "client": _client(block, disk)}


def nodes(system: System, guest: Guest) -> Nodes:
    """Return the subsystem's nodes in a guest's device tree.

    Args:
        system: The system.
        guest: The guest.
    """
    found = {
        path: node
        for block in blocks_of(system)
        if block.driver.guest == guest.name
        for path, node in _driven(guest, block)
    }
    for device in guest.emulated:
        if device.kind == VIRTIO_KIND:
            found[f"/virtio-blk@{device.gpa:x}"] = {
                "compatible": ("virtio,mmio",),
                "reg": From(two_cells(device.gpa, device.size_bytes), device.origin, "name"),
                "interrupts": From(shared_interrupt(device.intid, edge=False), device.origin, "name"),
                "dma-coherent": (),
            }
    return found


def _driven(guest: Guest, block: Block) -> Iterator[tuple[str, dict[str, Any]]]:
    driver = block.driver
    row = next(device for device in guest.emulated if device.origin is block.origin)
    for number, name in enumerate(driver.devices):
        maps = driver.maps[number * MAPS_PER_UIO_DEVICE : (number + 1) * MAPS_PER_UIO_DEVICE]
        reg = tuple(cell for m in maps for cell in two_cells(m.gpa, m.size_bytes))
        node: dict[str, Any] = {
            "compatible": ("generic-uio", "uio"),
            "reg": From(reg, block.origin, "driver"),
            "reg-names": tuple(m.name for m in maps),
        }
        if number == 0:
            node["interrupts"] = From(shared_interrupt(row.intid, edge=True), block.origin, "driver")
        yield f"/{name}@{maps[0].gpa:x}", node


def fields(system: System) -> dict[str, list[Field]]:
    """Return what the subsystem's binary files hold, by file: phys-addr pages that the image fills.

    Args:
        system: The system.
    """
    return {phys_addr_file(block.name): list(_page(system, block)) for block in blocks_of(system) if block.prefilled}


def _page(system: System, block: Block) -> Iterator[Field]:
    slots = block.driver.slots
    yield Field("magic", 0, "8s", _PAGE_MAGIC)
    head = {"version": _PAGE_VERSION, "header_bytes": _PAGE_HEADER_BYTES, "entry_count": len(slots), "reserved": 0}
    yield from (Field(name, 8 + 4 * at, "<I", value) for at, (name, value) in enumerate(head.items()))
    regions = {region.name: region for region in system.regions}
    for at, slot in enumerate(slots):
        region, start = regions[slot.region], _PAGE_HEADER_BYTES + at * _PAGE_ENTRY_BYTES
        name = f"entries[{at}] ({slot.name})"
        yield Field(f"{name}.io_base", start, "<Q", From(region.phys_addr, region.origin, "phys_addr"))
        yield Field(f"{name}.size_bytes", start + 8, "<Q", From(region.size_bytes, region.origin, "size"))
        yield Field(f"{name}.map_index", start + 16, "<I", From(slot.map_index, block.origin, "driver"))
        yield Field(f"{name}.reserved", start + 20, "<I", 0)
