"""The C tables: what templates/c declares and this system defines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.emit.c.initialiser import Hex, Ref, initialiser
from sdfgen.subsystems.block.shared import c_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.model.guest import Guest, GuestTimer, TimerLink
    from sdfgen.model.microkit import Region
    from sdfgen.model.system import System
    from sdfgen.subsystems.block.model import Block, Client, PhysAddrSlot, Queues

NULL = Ref("NULL")
NO_DEVICE = (0, 0, 0)


def c_files(system: System) -> dict[str, bytes]:
    """Return the generated C files by relative path.

    `uio_table.c` belongs to the Linux UIO driver, `PD_table.c` to the protection domain of that name.
    """
    files = {f"include/{system.name}_config.h": _config_header(system)}
    block = system.block
    if block is not None:
        files["src/uio_table.c"] = _uio_table(block)
        files[f"src/{block.driver.guest.vmm}_table.c"] = _driver_vmm_table(block)
        files[f"src/{block.virt}_table.c"] = _virt_table(block)
        for client in block.clients:
            files[f"src/{client.pd}_table.c"] = _client_table(block, client)
        files[f"src/{block.timer.pd}_table.c"] = _timer_table(block.timer)
    head = f"/* Made by sdfgen for {system.name} on {system.board.name}: changes are lost at the next build. */\n"
    return {name: (head + text).encode() for name, text in files.items()}


def _define(name: str, value: object, *, array: bool = False) -> str:
    return f"{name}{'[]' if array else ''} = {initialiser(value)};\n"


def _patched(slots: Iterable[PhysAddrSlot]) -> str:
    return "".join(f"SDFGEN_PATCHED uint64_t {slot.symbol} = PHYS_ADDR_UNPATCHED;\n" for slot in slots) + "\n"


def _slots(slots: Iterable[PhysAddrSlot]) -> list[object]:
    return [
        {
            "name": slot.name,
            "io_base": Ref(f"&{slot.symbol}"),
            "size_bytes": Hex(slot.size_bytes),
            "map_index": slot.map_index,
        }
        for slot in slots
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
    mode = "PHYS_ADDR_LEARNED" if block.physical_addresses == "learned" else "PHYS_ADDR_ASSIGNED"
    return (
        "#include <sdfgen/uio_table.h>\n\n"
        + _patched(driver.slots)
        + _define("const struct uio_device_entry uio_devices", devices, array=True)
        + _define("const uint32_t uio_devices_count", len(devices))
        + "\n"
        + _define("const struct uio_map_entry uio_maps", maps, array=True)
        + _define("const uint32_t uio_maps_count", len(maps))
        + "\n"
        + _define("const struct phys_addr_slot phys_addr_slots", _slots(driver.slots), array=True)
        + _define("const uint32_t phys_addr_slots_count", len(driver.slots))
        + _define("const enum phys_addr_mode phys_addr_mode", Ref(mode))
        + "\n"
        + _define("const uint32_t uio_blk_queue_capacity", driver.capacity)
        + _define("const char *const uio_blk_storage", driver.storage)
    )


def _device(gpa: int, size_bytes: int, intid: int) -> dict[str, object]:
    return {"gpa": Hex(gpa), "size_bytes": Hex(size_bytes), "intid": intid}


def _guest(guest: Guest) -> dict[str, object]:
    return {
        "ram_gpa": Hex(guest.ram_gpa),
        "ram_vaddr": Hex(guest.ram_vaddr),
        "ram_size_bytes": Hex(guest.ram_bytes),
        "kernel_gpa": Hex(guest.ram_gpa),
        "dtb_gpa": Hex(guest.dtb_gpa),
        "initrd_gpa": Hex(guest.initrd_gpa),
        "timer": _timer_link(guest.timer),
        "console": _device(*(guest.console or NO_DEVICE)),
    }


def _timer_link(link: TimerLink | None) -> dict[str, object]:
    assert link is not None  # noqa: S101 - every guest of a whole system has one
    return {"page_vaddr": Hex(link.page), "channel": link.channel}


def _timer_table(timer: GuestTimer) -> str:
    config = {
        "vmms": Ref("vmms"),
        "vmm_count": len(timer.links),
        "has_interrupt": timer.irq_channel is not None,
        "irq_channel": timer.irq_channel or 0,
    }
    return (
        "#include <sdfgen/guest_timer.h>\n\n"
        + _define("static const struct guest_timer_connection vmms", [_timer_link(v) for v in timer.links], array=True)
        + "\n"
        + _define("const struct guest_timer_config guest_timer_config", config)
    )


def _connection(block: Block, queues: Queues, capacity: int) -> dict[str, object]:
    return {
        "storage_info_vaddr": Hex(queues.storage_info),
        "request_vaddr": Hex(queues.requests),
        "response_vaddr": Hex(queues.responses),
        "queue_capacity": capacity,
        "channel": queues.channel,
        "extended": block.extended,
    }


def _irqs(guest: Guest) -> tuple[str, dict[str, object]]:
    """Return the table of interrupts passed through, and the members that refer to it."""
    if not guest.passthrough:
        return "", {"irqs": NULL, "irq_count": 0}
    rows = [{"intid": intid, "channel": channel} for channel, intid in guest.passthrough]
    table = _define("static const struct vmm_passthrough_irq irqs", rows, array=True) + "\n"
    return table, {"irqs": Ref("irqs"), "irq_count": len(rows)}


def _driver_vmm_table(block: Block) -> str:
    driver = block.driver
    irq_table, irq_members = _irqs(driver.guest)
    notify = next(m for m in driver.maps if m.gpa == driver.notify_gpa)
    config = {
        "guest": _guest(driver.guest),
        **irq_members,
        "uio": {
            "notify_gpa": Hex(driver.notify_gpa),
            "notify_size_bytes": Hex(notify.size_bytes),
            "intid": driver.intid,
            "virt_channel": driver.channel,
        },
        "phys_addr_vaddr": Hex(driver.phys_addr_vaddr),
        "phys_addr_slots": Ref("phys_addr_slots"),
        "phys_addr_slot_count": len(driver.slots),
    }
    return (
        "#include <sdfgen/vmm_config.h>\n\n"
        + _patched(driver.slots)
        + irq_table
        + _define("static const struct phys_addr_slot phys_addr_slots", _slots(driver.slots), array=True)
        + "\n"
        + _define("const struct driver_vmm_config driver_vmm_config", config)
    )


def _virt_data(vaddr: int | None, size_bytes: int, symbol: str) -> dict[str, object]:
    return {
        "vaddr": Hex(vaddr or 0),
        "size_bytes": Hex(size_bytes),
        "io_base": Ref(f"&{symbol}"),
        "cached": True,
    }


def _virt_table(block: Block) -> str:
    clients = [
        {
            "name": client.pd,
            "connection": _connection(block, client.far, client.capacity),
            "data": _virt_data(client.far.data, client.data_bytes, client.io_symbol),
            "partition": client.partition,
            "read_only": client.read_only,
        }
        for client in block.clients
    ]
    config = {
        "driver": {
            "connection": _connection(block, block.virt_queues, block.driver.capacity),
            "data": _virt_data(block.virt_queues.data, block.virt_data_bytes, block.virt_io_symbol),
        },
        "clients": Ref("clients"),
        "client_count": len(clients),
    }
    return (
        "#include <sdfgen/blk_config.h>\n\n"
        + _patched(block.driver.slots)
        + _define("static const struct blk_virt_client clients", clients, array=True)
        + "\n"
        + _define("const struct blk_virt_config blk_virt_config", config)
    )


def _client_table(block: Block, client: Client) -> str:
    blk = {
        "connection": _connection(block, client.near, client.capacity),
        "data": {"vaddr": Hex(client.near.data or 0), "size_bytes": Hex(client.data_bytes)},
    }
    if client.guest is None:
        return "#include <sdfgen/blk_config.h>\n\n" + _define("const struct blk_client_config blk_client_config", blk)
    irq_table, irq_members = _irqs(client.guest)
    config = {
        "guest": _guest(client.guest),
        **irq_members,
        "virtio_blk": _device(client.virtio_gpa, client.virtio_bytes, client.virtio_intid),
        "virtio_blk_vaddr": Hex(client.virtio_vaddr or 0),
        "blk": blk,
    }
    return (
        "#include <sdfgen/vmm_config.h>\n\n"
        + irq_table
        + _define("const struct client_vmm_config client_vmm_config", config)
    )


def _config_header(system: System) -> str:
    """Define every id, address and size that hand-written C may want, by the names of the description."""
    lines = [f"#define {name} {value}\n" for name, value in _defines(system)]
    return "#pragma once\n\n" + "".join(lines)


def _defines(system: System) -> Iterator[tuple[str, str]]:
    for region in system.regions:
        yield from _region_defines(region)
    for pd in system.all_pds():
        prefix = c_name(pd.name).upper()
        for irq in pd.irqs:
            yield f"{prefix}_IRQ_{irq.irq}_CHANNEL", str(irq.id)
        for m in pd.maps:
            yield f"{prefix}_{c_name(m.region).upper()}_VADDR", hex(m.vaddr)
    for channel in system.channels:
        a, b = channel.ends
        for near, far in ((a, b), (b, a)):
            yield f"{c_name(near.pd).upper()}_{c_name(far.pd).upper()}_CHANNEL", str(near.id)


def _region_defines(region: Region) -> Iterator[tuple[str, str]]:
    name = c_name(region.name).upper()
    if region.size_bytes is not None:
        yield f"{name}_SIZE_BYTES", hex(region.size_bytes)
    if region.phys_addr is not None:
        yield f"{name}_PHYS_ADDR", hex(region.phys_addr)
