"""What can be made with what there is, and what is said of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sdfgen.build.plan import Plan, plan
from sdfgen.build.toolchain import find_toolchain
from sdfgen.describe import describe
from tests.paths import FAULTS

if TYPE_CHECKING:
    from pathlib import Path

DESCRIPTION = """\
[system]
name = "planned"
boards = ["{board}"]
[[guest]]
name = "storage"
ram = "96 MiB"
devices = ["{device}"]
{driver}
{client}
[block]
driver = "storage"
storage = "/dev/vda"
"""
DEVICES = {"qemu_virt_aarch64": "virtio_mmio31", "odroidc4": "bus3"}
KERNEL = 'kernel = "kernel"'
GUEST = '[[guest]]\nname = "one"\ndisk = [{ partition = 0 }]\n'
NATIVE = '[[protection_domain]]\nname = "one"\nprogram_image = "one.elf"\ndisk = [{ partition = 0 }]\n'
BOTH = ("MICROKIT_SDK", "LIBVMM")
VMMS = "2 program images (one_vmm.elf, storage_vmm.elf)"
ALL = "4 program images (block_virt.elf, guest_timer.elf, one_vmm.elf, …)"

WAITING = [
    ("qemu_virt_aarch64", (KERNEL, GUEST + KERNEL), (), [f"{ALL} wait for MICROKIT_SDK and LIBVMM"]),
    ("qemu_virt_aarch64", (KERNEL, GUEST + KERNEL), ("MICROKIT_SDK",), [f"{VMMS} wait for LIBVMM"]),
    ("qemu_virt_aarch64", (KERNEL, GUEST + KERNEL), BOTH, []),
    (
        "qemu_virt_aarch64",
        ("", GUEST),
        BOTH,
        ["one_vmm.elf waits for `kernel` of `one`", "storage_vmm.elf waits for `kernel` of `storage`"],
    ),
    ("odroidc4", (KERNEL, GUEST + KERNEL), BOTH, ["storage_vmm.elf waits for `dtb` of `storage`"]),
    ("odroidc4", (KERNEL + '\ndtb = "tree"', GUEST + KERNEL), BOTH, []),
    (
        "qemu_virt_aarch64",
        (KERNEL, NATIVE),
        BOTH,
        ["loader.img waits for one.elf beside the description"],
    ),
]


def planned(
    folder: Path, board: str, guests: tuple[str, str], monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...]
) -> Plan:
    kernel = bytearray(4096)
    kernel[56:60] = b"ARMd"
    (folder / "kernel").write_bytes(kernel)
    (folder / "tree").write_bytes((FAULTS / "parts" / "odroid.dtb").read_bytes())
    text = DESCRIPTION.format(board=board, device=DEVICES[board], driver=guests[0], client=guests[1])
    (folder / "system.toml").write_text(text)
    for name in BOTH:
        if name in there:
            monkeypatch.setenv(name, str(folder))
        else:
            monkeypatch.delenv(name, raising=False)
    system = describe(str(folder / "system.toml")).systems[board]
    return plan(system, find_toolchain(None, system))


@pytest.mark.parametrize(("board", "guests", "there", "waiting"), WAITING)
def test_what_waits_says_for_what(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    board: str,
    guests: tuple[str, str],
    there: tuple[str, ...],
    waiting: list[str],
) -> None:
    found = planned(tmp_path, board, guests, monkeypatch, there)
    assert list(found.waiting) == waiting
    assert found.packed == (not waiting)


def test_a_program_image_of_the_authors_is_not_linked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned(tmp_path, "qemu_virt_aarch64", (KERNEL, GUEST), monkeypatch, BOTH)
    system = describe(str(tmp_path / "system.toml")).systems["qemu_virt_aarch64"]
    (tmp_path / "one_vmm.elf").write_bytes(b"mine")
    found = plan(system, find_toolchain(None, system))
    assert found.linked == {"block_virt.elf", "guest_timer.elf", "storage_vmm.elf"}
    assert (found.found, found.packed) == (("one_vmm.elf",), True)


@pytest.mark.parametrize("with_own", [True, False])
def test_libvmm_of_the_board_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_own: bool) -> None:
    own = tmp_path / "qemu_virt_aarch64" / "debug"
    if with_own:
        own.mkdir(parents=True)
    planned(tmp_path, "qemu_virt_aarch64", ("", GUEST), monkeypatch, BOTH)
    system = describe(str(tmp_path / "system.toml")).systems["qemu_virt_aarch64"]
    assert find_toolchain(None, system).libvmm == str(own if with_own else tmp_path)
