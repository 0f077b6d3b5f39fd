"""Descriptions of many shapes, as trees: one disk, driven by the guest `storage`, and who has partitions of it."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from sdfgen.describe import describe
from sdfgen.faults.render import as_text
from tests.mutate import dump

if TYPE_CHECKING:
    from pathlib import Path

    from sdfgen.model.system import System

QEMU, ODROID = BOARDS = ("qemu_virt_aarch64", "odroidc4")
DEVICES = {QEMU: ["virtio_mmio31"], ODROID: ["sd", "bus1", "bus2_low", "bus2_high", "bus3"]}

Tree = dict[str, Any]


def linux(number: int, *disks: Tree, name: str = "", ram: str = "16 MiB", **disk: object) -> Tree:
    """A guest with these disks, or with the partition of its number."""
    return {"name": name or f"c{number}", "ram": ram, "disk": list(disks) or [{"partition": number, **disk}]}


def native(number: int, *disks: Tree, **disk: object) -> Tree:
    """A protection domain with these disks, or with the partition of its number."""
    keys = {"name": f"n{number}", "program_image": f"n{number}.elf", "priority": 50}
    return {**keys, "disk": list(disks) or [{"partition": number, **disk}]}


def disks(first: int, count: int, **keys: object) -> list[Tree]:
    """Disks of one guest: partitions one after the other."""
    return [{"partition": first + i, **keys} for i in range(count)]


SHAPES: dict[str, list[Tree]] = {
    "one": [linux(0)],
    "two": [linux(0), linux(1)],
    "five": [linux(i) for i in range(5)],
    "one_native": [native(0)],
    "mixed": [linux(0), native(1, queue_capacity=1), linux(2, read_only=True), native(3, data_size="4 KiB")],
    "odd_sizes": [linux(i, data_size=size) for i, size in enumerate(("4 KiB", "12 KiB", "6 MiB", "64 MiB"))],
    "odd_queues": [linux(0, queue_capacity=2), linux(1, queue_capacity=32768), native(2, queue_capacity=16)],
    "read_only_twice": [linux(0, read_only=True), linux(0, read_only=True, name="twin"), linux(1)],
    "large_guests": [linux(i, ram="256 MiB") for i in range(3)],
    "three_disks": [linux(0, *disks(0, 3)), linux(1, {"partition": 3, "name": "root"}, {"partition": 4})],
    "native_of_two_disks": [linux(0), native(1, {"partition": 1}, {"partition": 2, "name": "logs"})],
    "a_partition_twice": [linux(0, {"partition": 0, "read_only": True}, {"partition": 0, "read_only": True})],
}
SEVERAL_CORES: dict[str, list[Tree]] = {
    **SHAPES,
    "two_cpus": [linux(0) | {"cpus": 2}, linux(1)],
    "four_cpus_each": [linux(i) | {"cpus": 4} for i in range(3)],
    "written_cores": [linux(0) | {"cpus": 2, "core": [0, 3]}, linux(1) | {"vmm": {"core": 1}}, linux(2)],
}
MANY: dict[str, list[Tree]] = {
    "forty": [linux(i) for i in range(40)],
    "most": [linux(i, ram="4 MiB", data_size="64 KiB") for i in range(59)],
    "sixty_native": [native(i) for i in range(60)],
    "sixty_disks": [linux(i, *disks(5 * i, 5, data_size="64 KiB")) for i in range(12)],
}


def tree(board: str, clients: list[Tree], version: str = "2.0.1", mode: str = "assigned", **driver: object) -> Tree:
    """A description of the driver's guest and these guests and protection domains."""
    storage = {"name": "storage", "devices": DEVICES.get(board, DEVICES[QEMU]), "ram": "64 MiB", **driver}
    return {
        "system": {"name": "s", "boards": [board], "microkit": version},
        "guest": [storage, *(client for client in clients if "program_image" not in client)],
        "protection_domain": [client for client in clients if "program_image" in client],
        "block": {"driver": "storage", "storage": "/dev/vda", "physical_addresses": mode},
    }


def on_cores(what: Tree, config: str = "smp-debug", **system: object) -> Tree:
    """A description in a configuration of several cores."""
    return what | {"system": what["system"] | {"config": config, **system}}


def crowd(guests: int, version: str = "2.1.0", board: str = QEMU) -> Tree:
    """A description of as many guests without disks."""
    numbered = [{"name": f"g{i}", "ram": "4 MiB"} for i in range(guests)]
    return {"system": {"name": "s", "boards": [board], "microkit": version}, "guest": numbered}


def resolved(tmp_path: Path, what: Tree, seed: int = 0) -> System:
    path = tmp_path / "s.toml"
    path.write_text(dump(what, Random(seed)), encoding="utf-8")  # noqa: S311 - repeatable, not secret
    described = describe(str(path))
    assert not described.faults.errors, as_text(described.faults.sorted())
    (system,) = described.systems.values()
    return system
