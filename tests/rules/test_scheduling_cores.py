"""Who can starve whom is a question of each core: SDF098 and SDF099 in smp configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe

if TYPE_CHECKING:
    from pathlib import Path

SYSTEM = """\
[system]
name = "cores"
boards = ["qemu_virt_aarch64"]
microkit = "{version}"
config = "{config}"
[[guest]]
name = "storage"
devices = ["virtio_mmio31"]
[[guest]]
name = "client"
disk = [{{ partition = 0 }}]
priority = {priority}
{keys}
vmm = {{ priority = 130{vmm} }}
[block]
driver = "storage"
storage = "/dev/vda"
"""
RAW = """\
[system]
name = "raw"
boards = ["qemu_virt_aarch64"]
microkit = "{version}"
config = "smp-debug"
[[protection_domain]]
name = "vmm"
program_image = "vmm.elf"
priority = 50
cpu = 1
virtual_machine = {{ name = "guest", priority = 60, vcpu = [{{ id = 0{vcpu} }}] }}
"""


def codes(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "system.toml"
    path.write_text(text, encoding="utf-8")
    return [fault.code for fault in describe(str(path)).faults]


@pytest.mark.parametrize(
    ("config", "keys", "expected"),
    [
        ("debug", "", ["SDF098"]),
        ("smp-debug", "", []),
        ("smp-debug", "core = 0", ["SDF098"]),
        ("smp-debug", "core = 1", ["SDF098"]),
        ("smp-debug", "core = 3", []),
        ("smp-debug", "cpus = 2\ncore = [2, 3]", []),
        ("smp-debug", "cpus = 2\ncore = [2, 0]", ["SDF098"]),
        ("smp-debug", "cpus = 2\ncore = [2, 1]", ["SDF098"]),
        ("smp-debug", "cpus = 2\ncore = [0, 1]", ["SDF098"]),
    ],
)
def test_a_guest_starves_who_serves_others_on_its_cores_only(
    tmp_path: Path, config: str, keys: str, expected: list[str]
) -> None:
    assert codes(tmp_path, SYSTEM.format(version="2.3.0", config=config, priority=126, keys=keys, vmm="")) == expected


@pytest.mark.parametrize(
    ("cores", "expected"), [("[0, 0]", ["SDF098", "SDF176"]), ("[0, 2]", []), ("[2, 2]", ["SDF176"])]
)
def test_shares_of_virtual_cpus_add_up_where_they_are(tmp_path: Path, cores: str, expected: list[str]) -> None:
    keys = f"budget = 500\nperiod = 1000\ncpus = 2\ncore = {cores}"
    text = SYSTEM.format(version="2.3.0", config="smp-debug", priority=126, keys=keys, vmm="")
    assert sorted(codes(tmp_path, text)) == expected


@pytest.mark.parametrize(("core", "expected"), [(0, []), (1, []), (3, ["SDF098"])])
def test_a_vmm_apart_from_its_guest_is_starved_by_nobody_but_who_is_there(
    tmp_path: Path, core: int, expected: list[str]
) -> None:
    """The client's own VMM is a part of the chain; its guest stands above it."""
    text = SYSTEM.format(version="2.3.0", config="smp-debug", priority=131, keys="core = 3", vmm=f", core = {core}")
    assert codes(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("version", "vcpu", "expected"),
    [
        ("2.3.0", "", ["SDF099"]),
        ("2.3.0", ", cpu = 0", []),
        ("2.3.0", ", cpu = 1", ["SDF099"]),
        ("2.2.0", "", []),
        ("2.1.0", "", []),
        ("2.1.0", ", cpu = 1", ["SDF099"]),
    ],
)
def test_a_virtual_cpu_without_a_core_runs_where_the_version_has_it(
    tmp_path: Path, version: str, vcpu: str, expected: list[str]
) -> None:
    """From 2.3.0 beside its VMM, before on core 0."""
    assert codes(tmp_path, RAW.format(version=version, vcpu=vcpu)) == expected
