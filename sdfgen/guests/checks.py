"""What the files made of guests must say, for those who read them back: it shares nothing with what writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdfgen.facts.board_tables import FIRST_SPI_INTID, DeviceTable
from sdfgen.model.guest import CONSOLE
from sdfgen.model.told import From, NodeAt, To

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sdfgen.facts.board import Board, Device
    from sdfgen.model.guest import EmulatedDevice, Guest, TimerLink
    from sdfgen.model.microkit import ProtectionDomain, VirtualMachine
    from sdfgen.model.system import System

    ConfigOf = Callable[[System, Guest, EmulatedDevice], object]

Nodes = dict[str, dict[str, Any]]
"""Properties by name, by the node's path: strings or cells; nothing for one that is true by being there."""

# templates/c/include/sdfgen/vmm_device.h: VMM_NO_CHANNEL.
_NO_CHANNEL = 2**32 - 1

# Devicetree bindings of the GIC, and of the architected timer on a GICv2.
_SPI, _PPI = 0, 1
_EDGE, _LEVEL = 1, 4
_PPI_OF_CPUS = {1: 0x104, 2: 0x304, 3: 0x704, 4: 0xF04}
"""GICv2: level, and the CPUs that have it, by how many a guest has."""
_GICV3 = 3
_REDISTRIBUTOR_KIB = 128
_CONSOLE_HZ = 24_000_000
_CONSOLE_CLOCK = "/console-clock"


def tables(system: System, configs: Mapping[str, ConfigOf]) -> dict[str, dict[str, Any]]:
    """Return what the variables of guests' C tables hold, by variable, by file.

    Args:
        system: The system.
        configs: What gives the configuration of an emulated device, by the device's kind.
    """
    vcpus = {pd.name: _vcpus(system, pd, vm) for pd, vm in system.vms()}
    found: dict[str, dict[str, Any]] = {
        f"src/{guest.vmm}_table.c": {"vmm_config": _vmm(system, guest, vcpus[guest.vmm], configs)}
        for guest in system.guests
    }
    timer = system.guest_timer
    if timer is not None:
        config = {
            "vmms": [_link(link) for link in timer.links],
            "vmm_count": len(timer.links),
            "has_interrupt": timer.irq_channel is not None,
            "irq_channel": timer.irq_channel or 0,
        }
        found[f"src/{timer.pd}_table.c"] = {"guest_timer_config": config}
    return found


def _vcpus(system: System, vmm: ProtectionDomain, machine: VirtualMachine) -> dict[str, From]:
    own, cores = vmm.cpu or 0, system.vcpu_cores(vmm)
    beside = sum(2**number for number, core in enumerate(cores) if core == own)
    apart = 2 ** len(cores) - 1 - beside
    others = [pd for pd in system.all_pds() if apart and pd.name != vmm.name]
    shared = any(own in system.vcpu_cores(pd) or (pd.cpu or 0, pd.trusted) == (own, False) for pd in others)
    return {
        "priority": From(machine.priority, machine.origin, "priority"),
        "vcpus_beside": From(beside, machine.origin, "core"),
        "vcpus_apart": From(apart if shared else 0, machine.origin, "core"),
    }


def _vmm(system: System, guest: Guest, vcpus: dict[str, From], configs: Mapping[str, ConfigOf]) -> From:
    irqs = [{"intid": intid, "channel": channel} for channel, intid in guest.passthrough]
    devices = [_device(device, _config(system, guest, device, configs)) for device in guest.emulated]
    config = {
        "guest": {
            "vcpu_count": From(guest.cpus, guest.origin, "cpus"),
            **vcpus,
            "ram_gpa": From(guest.ram_gpa, guest.origin, "ram"),
            "ram_vaddr": From(guest.ram_vaddr, guest.origin, "ram"),
            "ram_size_bytes": From(guest.ram_bytes, guest.origin, "ram"),
            "kernel_gpa": From(guest.ram_gpa, guest.origin, "kernel"),
            "dtb_gpa": From(guest.dtb_gpa, guest.origin, "dtb"),
            "initrd_gpa": From(guest.initrd_gpa, guest.origin, "initrd"),
            "timer": _link(guest.timer),
        },
        "irqs": From(irqs or None, guest.origin, "devices"),
        "irq_count": From(len(irqs), guest.origin, "devices"),
        "devices": devices or None,
        "device_count": len(devices),
        "may_restart": From(guest.restarts, guest.origin, "devices"),
        "resets": From([{"register_vaddr": at, "value": v} for at, v in guest.resets] or None, guest.origin, "devices"),
        "reset_count": From(len(guest.resets), guest.origin, "devices"),
    }
    return From(config, guest.origin, "name")


def _config(system: System, guest: Guest, device: EmulatedDevice, configs: Mapping[str, ConfigOf]) -> object:
    return None if device.kind == CONSOLE else configs[device.kind](system, guest, device)


def _device(device: EmulatedDevice, config: object) -> From:
    row = {
        "kind": To(f"vmm_{device.kind}_kind"),
        "name": device.name,
        "gpa": device.gpa,
        "size_bytes": device.size_bytes,
        "intid": device.intid,
        "channel": _NO_CHANNEL if device.channel is None else device.channel,
        "config": None if config is None else To(f"{device.name}_config", config),
        "state": To(f"{device.name}_state"),
    }
    return From(row, device.origin, "name")


def _link(link: TimerLink) -> dict[str, int]:
    return {"page_vaddr": link.page, "channel": link.channel}


def whole_tree(system: System, guest: Guest) -> Nodes:
    """Return all nodes of a tree that is made of the board's facts, but for those of subsystems.

    Args:
        system: The system.
        guest: The guest.
    """
    board = system.board
    gic = f"/interrupt-controller@{board.gic.distributor:x}"
    given = [board.devices[name] for name in guest.devices]
    devices = [device for device in given if device.facts.node]
    root = {
        "compatible": ("linux,dummy-virt",),
        "model": (f"{system.name} on {board.name}",),
        "interrupt-parent": (NodeAt(gic),),
        **_root_cells(),
    }
    return {
        "/": root,
        "/chosen": _chosen(board, guest, ""),
        f"/memory@{guest.ram_gpa:x}": _memory(guest),
        **_platform(system, guest, gic),
        **{f"/{clock}": _clock(hz) for clock, hz in _clocks(board, devices)},
        **{_device_path(device): _passed(device) for device in devices},
        **_console(guest),
    }


def overlaid(system: System, guest: Guest) -> Nodes:
    """Return what is laid over a board's own tree, but for the nodes of subsystems.

    Args:
        system: The system.
        guest: The guest.
    """
    board = system.board
    statuses = {path: {"status": (word,)} for path, word in _statuses(board, guest).items()}
    memory = board.guest.memory_node or f"memory@{guest.ram_gpa:x}"
    machine = f"nr_cpus={guest.cpus} {board.guest.bootargs}".strip()
    chosen = {"/chosen": _chosen(board, guest, machine), f"/{memory}": _memory(guest)}
    return {"/": _root_cells(), **chosen, **statuses, **_console(guest)}


def _root_cells() -> dict[str, Any]:
    return {"#address-cells": (2,), "#size-cells": (2,)}


def _chosen(board: Board, guest: Guest, machine: str) -> dict[str, Any]:
    console = next((device for device in guest.emulated if device.name == "console"), None)
    name = guest.consoles[0]
    words = [*guest.own_bootargs, *guest.default_bootargs, machine, f"console={name}", guest.bootargs]
    found: dict[str, Any] = {
        "bootargs": From((" ".join(filter(None, words)),), guest.origin, "bootargs"),
    }
    uart = board.devices.get(board.guest.console_device)
    if console is not None:
        found["stdout-path"] = (f"/pl011@{console.gpa:x}",)
    elif uart is not None and uart.facts.node:
        found["stdout-path"] = (_device_path(uart),)
    if guest.initrd_bytes:
        end = guest.initrd_gpa + guest.initrd_bytes
        found["linux,initrd-start"] = From(two_cells(guest.initrd_gpa), guest.origin, "initrd")
        found["linux,initrd-end"] = From(two_cells(end), guest.origin, "initrd")
    return found


def _memory(guest: Guest) -> dict[str, Any]:
    reg = From(two_cells(guest.ram_gpa, guest.ram_bytes), guest.origin, "ram")
    return {"device_type": ("memory",), "reg": reg}


def _platform(system: System, guest: Guest, gic: str) -> Nodes:
    board = system.board
    flags = _LEVEL if board.gic.version == _GICV3 else _PPI_OF_CPUS[guest.cpus]
    ppis = tuple(cell for ppi in board.guest.timer_ppis for cell in (_PPI, ppi, flags))
    cpu = {
        "device_type": ("cpu",),
        "compatible": (board.guest.cpu,),
        "enable-method": ("psci",),
    }
    return {
        "/cpus": {"#address-cells": (1,), "#size-cells": (0,)},
        **{f"/cpus/cpu@{i}": {**cpu, "reg": From((i,), guest.origin, "cpus")} for i in range(guest.cpus)},
        "/psci": {"compatible": ("arm,psci-1.0", "arm,psci-0.2"), "method": (board.guest.psci,)},
        "/timer": {"compatible": ("arm,armv8-timer",), "interrupts": ppis, "always-on": ()},
        gic: _gic(system, guest),
    }


def _gic(system: System, guest: Guest) -> dict[str, Any]:
    facts = system.board.gic
    second: tuple[int | None, int | None]
    if facts.version == _GICV3:
        kind, second = "arm,gic-v3", (facts.redistributor, guest.cpus * _REDISTRIBUTOR_KIB << 10)
    else:
        mapped = [
            r.size_bytes for r in system.regions if r.phys_addr is not None and r.phys_addr == facts.vcpu_interface
        ]
        kind, second = "arm,cortex-a15-gic", (facts.cpu_interface, (mapped or [facts.cpu_interface_size])[0])
    return {
        "compatible": (kind,),
        "interrupt-controller": (),
        "#interrupt-cells": (3,),
        "#address-cells": (0,),
        "reg": two_cells(facts.distributor, facts.distributor_size, *(number or 0 for number in second)),
    }


def _clocks(board: Board, devices: list[Device]) -> Iterator[tuple[str, int]]:
    wanted = {name for device in devices for name in device.facts.clocks}
    yield from ((clock.name, clock.frequency_hz) for clock in board.facts.clock if clock.name in wanted)


def _clock(frequency_hz: int) -> dict[str, Any]:
    return {"compatible": ("fixed-clock",), "#clock-cells": (0,), "clock-frequency": (frequency_hz,)}


def _device_path(device: Device) -> str:
    return f"/{device.facts.node}@{device.base:x}"


def _passed(device: Device) -> dict[str, Any]:
    facts = device.facts
    found: dict[str, Any] = {"compatible": facts.compatible, "reg": two_cells(device.base, device.size_bytes)}
    if device.intid is not None:
        found["interrupts"] = shared_interrupt(device.intid, edge=facts.trigger == "edge")
    if facts.clocks:
        found["clocks"] = tuple(NodeAt(f"/{name}") for name in facts.clocks)
        found["clock-names"] = facts.clock_names
    if facts.coherent:
        found["dma-coherent"] = ()
    return found


def _console(guest: Guest) -> Nodes:
    console = next((device for device in guest.emulated if device.name == "console"), None)
    if console is None:
        return {}
    node = {
        "compatible": ("arm,pl011", "arm,primecell"),
        "reg": two_cells(console.gpa, console.size_bytes),
        "interrupts": shared_interrupt(console.intid, edge=False),
        "clocks": (NodeAt(_CONSOLE_CLOCK), NodeAt(_CONSOLE_CLOCK)),
        "clock-names": ("uartclk", "apb_pclk"),
    }
    return {_CONSOLE_CLOCK: _clock(_CONSOLE_HZ), f"/pl011@{console.gpa:x}": node}


def _statuses(board: Board, guest: Guest) -> dict[str, str]:
    """Return the word that each node of the board's own tree has for a guest."""
    found = dict.fromkeys((f"/{path.strip('/')}" for path in board.guest.disable), "disabled")
    given = set(guest.devices)
    for word, names in (("disabled", board.devices.keys() - given), ("okay", given)):
        found |= {path: word for name in sorted(names) for path in _own_paths(board.devices[name])}
    return found


def _own_paths(device: Device) -> list[str]:
    paths = device.facts.paths if isinstance(device.facts, DeviceTable) else ()
    own = [f"/{path.strip('/')}" for path in paths]
    return own or ([_device_path(device)] if device.facts.node else [])


def shared_interrupt(intid: int, *, edge: bool) -> tuple[int, ...]:
    """Return the cells of a node's one shared interrupt.

    Args:
        intid: The interrupt.
        edge: It is signalled by an edge, not by a level.
    """
    return (_SPI, intid - FIRST_SPI_INTID, _EDGE if edge else _LEVEL)


def two_cells(*numbers: int) -> tuple[int, ...]:
    """Return 64-bit numbers, two cells each.

    Args:
        numbers: Addresses and sizes.
    """
    return tuple(cell for number in numbers for cell in divmod(number, 1 << 32))
