"""What is emitted of guests: the tables of their VMMs and of the guest timer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.emit.c.device import DeviceConfig
from sdfgen.emit.c.initialiser import Hex, Ref
from sdfgen.emit.c.text import NULL, define, includes, table, with_head
from sdfgen.model.guest import CONSOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sdfgen.model.guest import EmulatedDevice, Guest, GuestTimer, TimerLink
    from sdfgen.model.microkit import ProtectionDomain, VirtualMachine
    from sdfgen.model.system import System

    ConfigOf = Callable[[System, Guest, EmulatedDevice], DeviceConfig]
    Members = dict[str, object]

NO_CHANNEL = Ref("VMM_NO_CHANNEL")


def table_files(system: System, kinds: Mapping[str, ConfigOf]) -> dict[str, bytes]:
    """Return the VMMs' and the guest timer's tables by path in the board's folder.

    Args:
        system: The system.
        kinds: What says what C is told of an emulated device, by the device's kind.
    """
    known = {**kinds, CONSOLE: _console}
    vcpus = {pd.name: _vcpus(system, pd, vm) for pd, vm in system.vms()}
    files = {
        f"src/{guest.vmm}_table.c": with_head(system, _vmm_table(system, guest, vcpus[guest.vmm], known))
        for guest in system.guests
    }
    timer = system.guest_timer
    return files if timer is None else files | {f"src/{timer.pd}_table.c": with_head(system, _timer_table(timer))}


def _vmm_table(system: System, guest: Guest, vcpus: Members, kinds: Mapping[str, ConfigOf]) -> str:
    irq_rows: list[object] = [{"intid": intid, "channel": channel} for channel, intid in guest.passthrough]
    irqs, refers_irqs = table("irqs", "struct vmm_passthrough_irq", irq_rows)
    reset_rows: list[object] = [{"register_vaddr": Hex(vaddr), "value": Hex(value)} for vaddr, value in guest.resets]
    resets, refers_resets = table("resets", "struct vmm_passthrough_reset", reset_rows)
    rows: list[object] = []
    before = ""
    for device in guest.emulated:
        text, row = _device(system, guest, device, kinds)
        before += text
        rows.append(row)
    devices, refers_devices = table("devices", "struct vmm_device", rows)
    config = {
        "guest": _guest(guest, vcpus),
        "irqs": refers_irqs["at"],
        "irq_count": refers_irqs["count"],
        "devices": refers_devices["at"],
        "device_count": refers_devices["count"],
        "may_restart": guest.restarts,
        "resets": refers_resets["at"],
        "reset_count": refers_resets["count"],
    }
    headers = sorted({f"vmm_{device.kind}" for device in guest.emulated})
    return (
        includes("vmm_config", *headers)
        + irqs
        + resets
        + before
        + devices
        + define("const struct vmm_config vmm_config", config)
    )


def _vcpus(system: System, vmm: ProtectionDomain, machine: VirtualMachine) -> Members:
    return {
        "priority": machine.priority,
        "vcpus_beside": _bits(system.vcpus_beside(vmm)),
        "vcpus_apart": _bits(system.vcpus_apart(vmm)),
    }


def _bits(numbers: Iterable[int]) -> Hex:
    return Hex(sum(1 << number for number in numbers))


def _guest(guest: Guest, vcpus: Members) -> Members:
    return {
        "vcpu_count": guest.cpus,
        **vcpus,
        "ram_gpa": Hex(guest.ram_gpa),
        "ram_vaddr": Hex(guest.ram_vaddr),
        "ram_size_bytes": Hex(guest.ram_bytes),
        "kernel_gpa": Hex(guest.ram_gpa),
        "dtb_gpa": Hex(guest.dtb_gpa),
        "initrd_gpa": Hex(guest.initrd_gpa),
        "timer": _timer_link(guest.timer),
    }


def _console(_system: System, _guest: Guest, _device: EmulatedDevice) -> DeviceConfig:
    return DeviceConfig("", None)


def _device(
    system: System, guest: Guest, device: EmulatedDevice, kinds: Mapping[str, ConfigOf]
) -> tuple[str, dict[str, object]]:
    """Return the variables of a device, and its row."""
    before, members = kinds[device.kind](system, guest, device)
    config = NULL
    if members is not None:
        config = Ref(f"&{device.name}_config")
        before += define(f"static const struct vmm_{device.kind}_config {device.name}_config", members)
    before += f"static struct vmm_{device.kind} {device.name}_state;\n\n"
    return before, {
        "kind": Ref(f"&vmm_{device.kind}_kind"),
        "name": device.name,
        "gpa": Hex(device.gpa),
        "size_bytes": Hex(device.size_bytes),
        "intid": device.intid,
        "channel": NO_CHANNEL if device.channel is None else device.channel,
        "config": config,
        "state": Ref(f"&{device.name}_state"),
    }


def _timer_link(link: TimerLink) -> dict[str, object]:
    return {"page_vaddr": Hex(link.page), "channel": link.channel}


def _timer_table(timer: GuestTimer) -> str:
    vmms, refers = table("vmms", "struct guest_timer_connection", [_timer_link(link) for link in timer.links])
    config = {
        "vmms": refers["at"],
        "vmm_count": refers["count"],
        "has_interrupt": timer.irq_channel is not None,
        "irq_channel": timer.irq_channel or 0,
    }
    return includes("guest_timer") + vmms + define("const struct guest_timer_config guest_timer_config", config)
