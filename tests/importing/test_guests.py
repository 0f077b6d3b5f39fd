"""Virtual machines of which a guest's table makes all that a system file has."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from sdfgen.emit.sdf.system_file import system_file
from tests.importing.canonical import canonical
from tests.importing.steps import QEMU, built, description, imported
from tests.shapes import resolved

if TYPE_CHECKING:
    from pathlib import Path


GUESTS: dict[str, list[dict[str, Any]]] = {
    "one": [{"name": "linux", "ram": 0x400_0000}],
    "three": [{"name": f"g{n}", "ram": 0x40_0000 << n} for n in range(3)],
    "devices": [{"name": "linux", "ram": 0x400_0000, "devices": ["virtio_mmio31", "uart"]}],
    "slots_of_a_page": [{"name": "linux", "ram": 0x400_0000, "devices": ["virtio_mmio30", "virtio_mmio28"]}],
    "interrupts": [{"name": "linux", "ram": 0x400_0000, "interrupts": ["virtio_mmio3"]}],
    "keys": [{"name": "a", "ram": 0x20_0000, "smc": True, "priority": 7, "budget": 20, "period": 2000}],
    "vmm": [
        {
            "name": "a",
            "ram": 0x20_0000,
            "vmm": {"priority": 99, "budget": 300, "stack_size": 0x8000, "program_image": "mine.elf", "fpu": True},
        }
    ],
    "cpus": [{"name": "a", "ram": 0x20_0000, "cpus": 3}, {"name": "b", "ram": 0x20_0000}],
    "cores": [{"name": "a", "ram": 0x20_0000, "cpus": 2, "core": [3, 1], "vmm": {"core": 2}}],
}
BESIDE = {
    "memory_region": [{"name": "m", "size": 0x1000}],
    "protection_domain": [
        {"name": "pd", "program_image": "pd.elf", "priority": 1, "map": [{"mr": "m", "vaddr": 0x2000_0000}]}
    ],
}


@pytest.mark.parametrize("kind", GUESTS)
@pytest.mark.parametrize("version", ["2.1.0", "2.3.0"])
@pytest.mark.parametrize("beside", [{}, BESIDE], ids=["alone", "beside"])
def test_guests_of_ours_are_found(kind: str, version: str, beside: dict[str, Any], tmp_path: Path) -> None:
    guests = [dict(guest) for guest in GUESTS[kind]]
    if version == "2.1.0" and "vmm" in guests[0]:
        guests[0]["vmm"] = {key: value for key, value in guests[0]["vmm"].items() if key != "fpu"}
    head = {"name": "x", "boards": [QEMU], "microkit": version}
    if kind in {"cpus", "cores"}:
        head["config"] = "smp-debug"
    tree = {"system": head, "guest": guests, **beside}
    text = system_file(resolved(tmp_path, tree))
    found = tomllib.loads(description(text, tmp_path, board=QEMU, microkit=version, config=head.get("config")))
    assert sorted(found.pop("guest"), key=lambda guest: guest["name"]) == guests
    assert found == {key: value for key, value in tree.items() if key != "guest"}


def test_the_guest_timer_has_keys_too(tmp_path: Path) -> None:
    tree = {
        "system": {"name": "x", "boards": [QEMU], "microkit": "2.3.0"},
        "guest": [{"name": "a", "ram": 0x20_0000}],
        "guest_timer": {"priority": 200, "stack_size": 0x2000},
    }
    text = system_file(resolved(tmp_path, tree))
    assert tomllib.loads(description(text, tmp_path, board=QEMU)) == tree


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('vaddr="0x80000000" perms="rw"', 'vaddr="0x90000000" perms="rw"'),
        ('cached="false"', 'cached="true"'),
        ('<memory_region name="linux_ram" size="0x4000000"', '<memory_region name="linux_ram" size="0x6000000"'),
        ('<map mr="linux_wake" vaddr="0x80000000" perms="r" />', ""),
        ('<irq irq="30" id="1"', '<irq irq="30" id="2"'),
        ("<channel>", "<!-- ours --><channel>"),
        ("linux_vmm", "vmm"),
    ],
)
def test_what_is_not_quite_a_guest_stays_raw(old: str, new: str, tmp_path: Path) -> None:
    tree = {"system": {"name": "x", "boards": [QEMU]}, "guest": [{"name": "linux", "ram": 0x400_0000}]}
    text = system_file(resolved(tmp_path, tree))
    assert old in text
    found = imported(text.replace(old, new), tmp_path, board=QEMU)
    assert found.text is not None
    read = tomllib.loads(found.text)
    larger = "0x6000000" in new  # which a guest can be, too
    assert ("guest" in read) == larger
    assert any("became no [[guest]]" in said for said in found.said) != larger
    assert canonical(built(found.text, tmp_path).encode()) == canonical(text.replace(old, new).encode())
