"""One Linux uses disks that another one drives: the whole data path of a built system, but for seL4 and the VMMs.

The virtualiser has its generated table at the addresses that the generated system file gives to its protection domain.
"""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from .backend import FIXED_ADDRESSES, Backend, Client, build_backend
from .client_vm import boot_client
from .disks import MIB, Disk
from .driver_vm import ENGINES, RAM, DriverVm

if TYPE_CHECKING:
    from sdfgen.linux.guest import Guest

    from .driver_vm import DriverSystem

SIZES_MIB = (24, 8, 4)
DISKS = ("vda", "vdb")
SECONDS = 600
PASSED = ("verify", "mkfs", "mount", "unmount", "fsck", "mount-again", "files-same", "unmount-again")


@dataclasses.dataclass(slots=True)
class Session:
    """What is left when both have ended."""

    disk: Disk
    outside_before: str
    said: dict[str, str]
    driver_status: str
    backend_output: list[str]


def _maps(system: DriverSystem) -> list[str]:
    """The virtualiser's regions: shared with the driver VM, or with clients only."""
    root = etree.parse(os.path.join(system.folder, "two-clients.system"))
    sizes = {region.get("name"): region.get("size") for region in root.iter("memory_region")}
    (virtualiser,) = root.xpath("//protection_domain[@name='block_virt']")
    (guest,) = root.xpath("//virtual_machine[@name='storage']")
    places = {entry.get("mr"): int(entry.get("vaddr"), 0) - RAM for entry in guest.iter("map")}
    maps = []
    for entry in virtualiser.iter("map"):
        name = entry.get("mr")
        shared = f":{places[name]:#x}" if name in places else ""
        maps.append(f"map={entry.get('vaddr')}:{sizes[name]}{shared}")
    return maps


def _command(vm: DriverVm, program: str, clients: list[Client]) -> list[str]:
    system = vm.system
    fixed = [program, vm.ram, vm.qtest, str(system.intid), str(vm.offset("notify"))]
    addresses = [f"io={base:#x}" for base in system.io_bases.values()]
    return [*fixed, *_maps(system), *addresses, *(client.socket for client in clients)]


@pytest.fixture(scope="module")
def session(amd64_guest: Guest, driver_system: DriverSystem, tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("two_linuxes")
    table = os.path.join(driver_system.folder, "src", "block_virt_table.c")
    program = build_backend(str(folder / "vhost_user_vm"), "vm_backend", table, *FIXED_ADDRESSES)
    disk = Disk(str(folder / "disk"), SIZES_MIB)
    disk.write_gpt()
    outside = disk.outside(disk.partitions[: len(DISKS)])
    clients = [Client(str(folder / name), n) for n, name in enumerate(DISKS)]
    (folder / "client").mkdir()
    with DriverVm(driver_system, str(folder), disk.path) as vm:
        vm.start()
        with (
            Backend(*_command(vm, program, clients)) as backend,
            boot_client(amd64_guest, str(folder / "client"), "both.sh", clients) as client,
        ):
            client.wait_for("exit", SECONDS)
            output = backend.end()
        vm.machine.answer("end")
        status = vm.machine.wait_for("ended-" + ENGINES[0], SECONDS)
        return Session(disk, outside, dict(client.said), status, output)


@pytest.mark.parametrize("name", PASSED)
def test_the_client_is_satisfied(session: Session, name: str) -> None:
    assert session.said[name] == "0"


@pytest.mark.parametrize(("index", "name"), list(enumerate(DISKS)))
def test_the_client_reads_what_the_drivers_disk_holds(session: Session, index: int, name: str) -> None:
    assert int(session.said[f"size-{name}"]) == SIZES_MIB[index] * MIB // 512
    assert session.said[f"digest-{name}"] == session.disk.digest(session.disk.partitions[index])


def test_nothing_outside_the_partitions_changed(session: Session) -> None:
    assert session.disk.outside(session.disk.partitions[: len(DISKS)]) == session.outside_before


def test_both_sides_ended_well(session: Session) -> None:
    assert session.driver_status == "0"
    assert session.backend_output == ["ready"]
