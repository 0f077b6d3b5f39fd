"""Systems of many shapes: none has a fault, and what must hold of each is worked out here anew."""

from __future__ import annotations

import tomllib
from random import Random
from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe
from sdfgen.facts.board import Board
from sdfgen.schema.table import Table
from tests import laws
from tests.paths import EXAMPLE, FUZZ, SYSTEMS
from tests.shapes import BOARDS, QEMU, SEVERAL_CORES, SHAPES, Tree, crowd, native, on_cores, resolved, tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sdfgen.model.microkit import Origin
    from sdfgen.model.system import System


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("guests", [1, 2, 60])
def test_guests_alone_are_a_system(tmp_path: Path, guests: int, board: str) -> None:
    system = resolved(tmp_path, crowd(guests, board=board))
    laws.check(system)
    assert len(system.guests) == guests
    assert {pd.name for pd in system.pds} == {"guest_timer", *(guest.vmm for guest in system.guests)}


@pytest.mark.parametrize("version", ["2.1.0", "2.3.0"])
@pytest.mark.parametrize("name", SEVERAL_CORES)
def test_services_drivers_and_clients_are_apart(tmp_path: Path, name: str, version: str) -> None:
    clients = SEVERAL_CORES[name]
    system = resolved(tmp_path, on_cores(tree(QEMU, clients, version)))
    laws.check(system)
    cores = {pd.name: pd.cpu for pd in system.pds}
    assert (cores["block_virt"], cores["guest_timer"], cores["storage_vmm"]) == (0, 0, 1)
    written = {client["name"] for client in clients if {"core", "vmm"} & client.keys()}
    for pd, vm in system.vms():
        vcpus = [vcpu.cpu for vcpu in vm.vcpus]
        assert len(set(vcpus)) == len(vcpus)
        assert vm.name in written or pd.cpu == vcpus[0]
        assert vm.name in {"storage", *written} or pd.cpu in {2, 3}
    natives = [pd.cpu for pd in system.pds if pd.vm is None and pd.name not in {"block_virt", "guest_timer"}]
    assert set(natives) <= {None}  # Microkit's own words are left alone


@pytest.mark.parametrize("config", ["debug", "release"])
def test_on_one_core_no_core_is_chosen(tmp_path: Path, config: str) -> None:
    system = resolved(tmp_path, on_cores(tree(QEMU, SHAPES["mixed"], "2.3.0"), config))
    assert {pd.cpu for pd in system.pds} | {vcpu.cpu for _, vm in system.vms() for vcpu in vm.vcpus} == {None}
    assert system.cores() == {}


@pytest.mark.parametrize(("version", "core_1", "core_0"), [("2.2.0", [], ["guest"]), ("2.3.0", ["guest"], [])])
def test_who_is_on_which_core(tmp_path: Path, version: str, core_1: list[str], core_0: list[str]) -> None:
    """A raw virtual CPU without a core is where the version has it."""
    vmm = {"name": "vmm", "program_image": "vmm.elf", "priority": 100, "cpu": 1}
    vmm["virtual_machine"] = {"name": "guest", "vcpu": [{"id": 0}]}
    vcpus = {"name": "two", "vcpu": [{"id": 0, "cpu": 2}, {"id": 7, "cpu": 3}]}
    other = {"name": "other", "program_image": "other.elf", "priority": 100, "cpu": 2, "virtual_machine": vcpus}
    system = {"name": "s", "boards": [QEMU], "microkit": version, "config": "smp-debug"}
    found = resolved(tmp_path, {"system": system, "protection_domain": [vmm, other]}).cores()
    own = [] if core_1 else ["vmm"]
    assert found == {0: core_0, 1: core_1 + own, 2: ["other", "two (vCPU 0)"], 3: ["two (vCPU 7)"]}


APART: dict[str, dict[str, tuple[int, ...]]] = {
    "two_cpus": {"c0_vmm": (1,), "c1_vmm": ()},  # c1 is beside c0's VMM
    "four_cpus_each": {"c0_vmm": (1, 2, 3), "c1_vmm": (1, 2, 3), "c2_vmm": (1, 2, 3)},
    "written_cores": {"c0_vmm": (), "c1_vmm": (), "c2_vmm": ()},  # beside c0's VMM are services alone
}


@pytest.mark.parametrize("name", APART)
def test_virtual_cpus_are_apart_from_their_vmm_where_others_are_beside_it(tmp_path: Path, name: str) -> None:
    system = resolved(tmp_path, on_cores(tree(QEMU, SEVERAL_CORES[name], "2.3.0")))
    assert {pd.name: system.vcpus_apart(pd) for pd, _ in system.vms()} == {**APART[name], "storage_vmm": ()}
    assert {system.vcpus_beside(pd) for pd, _ in system.vms()} == {(0,)}


def test_a_native_client_is_beside_a_vmm_too(tmp_path: Path) -> None:
    clients = [SEVERAL_CORES["written_cores"][0], {**native(1), "cpu": 0}]
    system = resolved(tmp_path, on_cores(tree(QEMU, clients, "2.3.0")))
    assert {pd.name: system.vcpus_apart(pd) for pd, _ in system.vms()} == {"c0_vmm": (1,), "storage_vmm": ()}


RAW: Tree = {
    "protection_domain": [
        {"name": "z", "program_image": "z.elf", "map": [{"mr": "y", "vaddr": 0x1000_0000}]},
        {"name": "a", "program_image": "a.elf", "map": [{"mr": "x", "vaddr": 0x1000_0000}]},
    ],
    "memory_region": [{"name": "y", "size": laws.PAGE}, {"name": "x", "size": laws.PAGE}],
    "channel": [{"ends": [{"pd": "z"}, {"pd": "a"}]}, {"ends": [{"pd": "a"}, {"pd": "c0_vmm"}]}],
}


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_tables_does_not_matter(tmp_path: Path, seed: int) -> None:
    what = on_cores(tree(QEMU, [*SEVERAL_CORES["written_cores"], native(3)], "2.3.0"))
    what = what | RAW | {"protection_domain": what["protection_domain"] + RAW["protection_domain"]}
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    shuffled = {
        name: random.sample(value, len(value)) if isinstance(value, list) else value for name, value in what.items()
    }
    shuffled = dict(random.sample(sorted(shuffled.items()), len(shuffled)))
    assert shape(resolved(tmp_path, shuffled, seed)) == shape(resolved(tmp_path, what))


def shape(value: object) -> object:
    """Strip a system of the places it came from."""
    if isinstance(value, Board):
        return value.name
    if isinstance(value, Table):
        return type(value).__name__
    if isinstance(value, tuple):
        fields = getattr(value, "_fields", range(len(value)))
        return tuple(shape(item) for name, item in zip(fields, value, strict=True) if not str(name).endswith("origin"))
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    return value


@pytest.mark.parametrize(
    "path",
    [EXAMPLE, FUZZ / "raw.toml", *sorted(SYSTEMS.glob("*.toml"))],
    ids=lambda path: path.parent.name + "/" + path.stem,
)
def test_the_same_description_gives_the_same_system(path: Path) -> None:
    first, second = describe(str(path)), describe(str(path))
    assert {n: shape(s) for n, s in first.systems.items()} == {n: shape(s) for n, s in second.systems.items()}


def test_the_example_is_what_the_documentation_says() -> None:
    text = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    assert text["system"]["boards"] == list(BOARDS)
    assert [guest["name"] for guest in text["guest"]] == ["storage", "client1", "client2"]


def _origins(system: System) -> Iterator[Origin]:
    yield from (pd.origin for pd in system.all_pds())
    yield from (region.origin for region in system.regions)
    yield from (channel.origin for channel in system.channels)


def test_everything_has_a_place_in_the_description() -> None:
    for system in describe(str(EXAMPLE)).systems.values():
        for origin in _origins(system):
            assert origin.at("name").source.name == str(EXAMPLE)
            assert origin.at("name").span.line > 1
