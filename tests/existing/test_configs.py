"""Configuration structures in program images are held against maps and ids: one fault each, in good images."""

from __future__ import annotations

import os
import subprocess
import sys
from random import Random
from typing import TYPE_CHECKING

import pytest

from sdfgen.existing.examine import examine
from sdfgen.existing.request import Request
from sdfgen.faults.render import as_text
from sdfgen.read import configs, debug_types
from sdfgen.read.memory import UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

COUNT = int(os.environ.get("SDFGEN_FUZZ", "2000")) // 50
FIRST = int(os.environ.get("SDFGEN_FUZZ_FROM", "0"))
ZIG = (sys.executable, "-m", "ziglang")
# Structures with the members that sDDF's and libvmm's have.
C = """
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32; typedef unsigned long u64;
typedef struct { void *vaddr; u64 size; } region;
typedef struct { region region; u64 io_addr; } device_region;
typedef struct { region req_queue; region resp_queue; u16 num_buffers; u8 id; } connection;
struct client { char magic[5]; connection virt; region data; connection spare; };
__attribute__((section(".blk_client_config"), used)) struct client config = {
    { 's', 'D', 'D', 'F', 2 },
    { { (void *)0x40000000, 0x1000 }, { (void *)0x40001000, 0x1000 }, 128, 7 },
    { (void *)0x40002000, 0x2000 },
};
typedef struct { u8 id; } interrupt;
struct device { char magic[5]; u8 num_regions; u8 num_irqs; device_region regions[4]; interrupt irqs[4]; };
__attribute__((section(".device_resources"), used)) struct device device = {
    { 's', 'D', 'D', 'F', 1 }, 1, 1, { { { (void *)0x50000000, 0x1000 }, 0x9000000 }, { { (void *)9, 9 }, 9 } },
    { { 3 } },
};
__attribute__((section(".net_client_config"), used)) struct client unused;
u64 microkit_name[8], microkit_ioports;
"""
VMM = """
typedef unsigned char u8; typedef unsigned int u32; typedef unsigned long u64;
typedef struct { u8 id; u32 irq; } irq;
typedef struct { u8 type; u64 base; u32 size; u32 irq; } virtio;
typedef struct { u8 id; } vcpu;
typedef struct { char name[32]; u64 guest_paddr; u64 vmm_vaddr; u64 size; u32 irq; } uio;
struct vmm {
    char magic[3]; u64 ram; u64 ram_size; u64 dtb; u64 initrd; u8 num_irqs; irq irqs[32]; u8 num_vcpus; vcpu vcpus[32];
    u8 num_virtio_mmio_devices; virtio virtio_mmio_devices[32]; u8 num_uio_regions; uio uios[16];
};
__attribute__((section(".vmm_config"), used)) struct vmm vmm_config = {
    { 'v', 'm', 'm' }, 0x40000000, 0x1000000, 0x40f00000, 0x40c00000, 1, { { 5, 41 } }, 1, { { 0 } },
    0, { { 0 } }, 1, { { "uio", 0x60000000, 0x61000000, 0x2000, 50 } },
};
u64 microkit_name[8], microkit_ioports;
"""
SYSTEM = """<system>
  <memory_region name="queues" size="0x2000" />
  <memory_region name="data" size="0x2000" />
  <memory_region name="uart" size="0x1000" phys_addr="0x9000000" />
  <memory_region name="ram" size="0x1000000" />
  <memory_region name="window" size="0x2000" />
  <protection_domain name="client" priority="5">
    <program_image path="client.elf" />
    <map mr="queues" vaddr="0x40000000" perms="rw" />
    <map mr="data" vaddr="0x40002000" perms="rw" />
    <map mr="uart" vaddr="0x50000000" perms="rw" cached="false" />
    <irq irq="33" id="3" />
  </protection_domain>
  <protection_domain name="vmm" priority="5">
    <program_image path="vmm.elf" />
    <map mr="ram" vaddr="0x40000000" perms="rw" />
    <map mr="window" vaddr="0x61000000" perms="rw" />
    <map mr="queues" vaddr="0x70000000" perms="rw" />
    <map mr="data" vaddr="0x71000000" perms="rw" />
    <virtual_machine name="linux">
      <vcpu id="0" />
      <map mr="ram" vaddr="0x40000000" perms="rwx" />
      <map mr="window" vaddr="0x60000000" perms="rw" />
    </virtual_machine>
    <irq irq="41" id="5" />
  </protection_domain>
  <channel><end pd="client" id="7" /><end pd="vmm" id="1" /></channel>
</system>
"""


def image(name: str, text: str, folder: Path) -> bytes:
    """A program image, with debug information."""
    (folder / f"{name}.c").write_text(text)
    compile_ = [*ZIG, "cc", "-target", "aarch64-freestanding", "-g", "-c", f"{name}.c", "-o", f"{name}.o"]
    subprocess.run(compile_, cwd=folder, check=True)
    link = [*ZIG, "ld.lld", f"{name}.o", "--entry=0", "--build-id=none", "-o", f"{name}.elf"]
    subprocess.run(link, cwd=folder, check=True)
    return (folder / f"{name}.elf").read_bytes()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("images")
    return {name: image(name, text, folder) for name, text in (("client", C), ("vmm", VMM))}


def said(images: dict[str, bytes], folder: Path, text: str = SYSTEM) -> list[tuple[str, str, str, list[str]]]:
    """What is told of the structures: severity, place, message and notes."""
    for name, content in images.items():
        (folder / f"{name}.elf").write_bytes(content)
    path = folder / "x.system"
    path.write_text(text)
    faults = examine(Request(str(path), "qemu_virt_aarch64")).faults.sorted()
    other = [fault for fault in faults if fault.code not in ("SDF216", "SDF218", "SDF219", "SDF222")]
    assert not [fault for fault in other if fault.severity == "error"], as_text(other)
    return [
        (fault.severity, fault.where.source.name.rpartition("/")[2], fault.message, [words for _, words in fault.notes])
        for fault in faults
        if fault not in other
    ]


def test_good_ones_have_nothing_told_of_them(images: dict[str, bytes], tmp_path: Path) -> None:
    assert said(images, tmp_path) == []


RUNS = "`client` runs it"
CASES: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "a_queue_elsewhere": (
        '"queues" vaddr="0x40000000"',
        '"queues" vaddr="0x30000000"',
        "`config.virt.req_queue` is 0x40000000..0x40001000, where nothing is mapped in `client`",
        (RUNS,),
    ),
    "data_longer_than_its_map": (
        'name="data" size="0x2000"',
        'name="data" size="0x1000"',
        "`config.data` is 0x40002000..0x40004000, and maps of `client` end at 0x40003000",
        ("`data` is mapped at 0x40002000..0x40003000", "`data` has 4 KiB", RUNS),
    ),
    "registers_of_another_device": (
        'phys_addr="0x9000000"',
        'phys_addr="0x9010000"',
        "`device.regions[0].io_addr` is 0x9000000, and what is mapped there lies at 0x9010000",
        ("`uart` is at 0x9010000", RUNS),
    ),
    "a_channel_with_another_id": (
        'pd="client" id="7"',
        'pd="client" id="8"',
        "`config.virt.id` is 7, and `client` has no channel and no interrupt with this id",
        ("`client` runs it; its ids: 3, 8",),
    ),
    "an_interrupt_with_another_id": (
        'irq="33" id="3"',
        'irq="33" id="4"',
        "`device.irqs[0].id` is 3, and `client` has no channel and no interrupt with this id",
        ("`client` runs it; its ids: 4, 7",),
    ),
    "less_ram_than_libvmm_is_told": (
        'name="ram" size="0x1000000"',
        'name="ram" size="0xe00000"',
        "`vmm_config.ram_size` is 16 MiB, and `linux` has 14 MiB of RAM mapped",
        ("`ram` has 14 MiB", "`linux` has it at 0x40000000..0x40e00000"),
    ),
    "another_interrupt_than_libvmm_is_told": (
        'irq="41" id="5"',
        'irq="42" id="5"',
        "`vmm_config.irqs[0].irq` is 41, and interrupt 42 arrives on channel 5",
        ("`vmm_config.irqs[0].id` is here", "the system file has it here"),
    ),
    "a_window_of_libvmm_that_is_too_short": (
        '"window" size="0x2000"',
        '"window" size="0x1000"',
        "`vmm_config.uios[0].guest_paddr` is 0x60000000..0x60002000, and maps of `linux` end at 0x60001000",
        ("`window` is mapped at 0x60000000..0x60001000", "`window` has 4 KiB", "`vmm` runs it"),
    ),
    "a_window_that_the_vmm_sees_elsewhere": (
        '"window" vaddr="0x61000000"',
        '"window" vaddr="0x62000000"',
        "`vmm_config.uios[0].vmm_vaddr` is 0x61000000..0x61002000, where nothing is mapped in `vmm`",
        ("`vmm` runs it",),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_fault(case: str, images: dict[str, bytes], tmp_path: Path) -> None:
    old, new, message, notes = CASES[case]
    assert SYSTEM.count(old) == 1
    found = said(images, tmp_path, SYSTEM.replace(old, new))
    assert ("error", message, list(notes)) in [(severity, words, more) for severity, _, words, more in found]
    assert {place for _, place, *_ in found} == {"vmm.elf" if "vmm_config" in message else "client.elf"}


def test_without_debug_information_that_is_noted(
    images: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configs, "_shapes", {})
    stripped = images["client"].replace(b".debug_info\0", b".xebug_info\0")
    ((severity, place, message, _),) = said({**images, "client": stripped}, tmp_path)
    assert (severity, place) == ("note", "x.system")
    assert message.startswith("the configuration structures of 'client.elf' were not compared: ")


def test_what_is_not_filled_in_is_passed_over(images: dict[str, bytes], tmp_path: Path) -> None:
    empty = images["client"].replace(b"sDDF\2", bytes(5)).replace(b"sDDF\1", bytes(5))
    other = SYSTEM.replace('"queues" vaddr="0x40000000"', '"queues" vaddr="0x30000000"')
    assert said({**images, "client": empty}, tmp_path, other) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("u64 guest_paddr; u64 vmm_vaddr; u64 size;", "u64 paddr; u64 vaddr; u64 bytes;"),
        ("typedef struct { u8 id; u32 irq; } irq;", "typedef struct { u8 channel; u32 number; } irq;"),
        ("u64 ram_size;", "u64 ram_bytes;"),
        ("typedef struct { u8 id; } vcpu;", "typedef u8 vcpu;"),
    ],
)
def test_structures_of_another_version_are_compared_as_far_as_they_are_known(
    old: str, new: str, images: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configs, "_shapes", {})
    assert VMM.count(old) == 1
    (tmp_path / "c").mkdir()
    other = VMM.replace(old, new).replace("{ { 0 } },\n    0, { { 0 } }, 1", "{ 0 },\n    0, { { 0 } }, 1")
    assert said({**images, "vmm": image("vmm", other, tmp_path / "c")}, tmp_path) == []


class Entry:
    """Of debug information: a type that stands for another."""

    tag = "DW_TAG_typedef"

    def __init__(self) -> None:
        self.other = self

    def get_DIE_from_attribute(self, name: str) -> Entry:  # noqa: N802 - the library's name
        assert name == "DW_AT_type"
        return self.other


def test_a_circle_of_types_ends() -> None:
    one, other = Entry(), Entry()
    one.other, other.other = other, one
    with pytest.raises(UnreadableError, match="a type stands for itself"):
        debug_types.target(one)  # type: ignore[arg-type]


def test_damaged_images_end_in_no_traceback(
    images: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.system"
    path.write_text(SYSTEM)
    for seed in range(FIRST, FIRST + COUNT):
        random = Random(seed)  # noqa: S311 - repeatable, not secret
        monkeypatch.setattr(configs, "_shapes", {})
        for name, content in images.items():
            (tmp_path / f"{name}.elf").write_bytes(damaged(content, random))
        examine(Request(str(path), "qemu_virt_aarch64"))


def damaged(content: bytes, random: Random) -> bytes:
    made = bytearray(content)
    for _ in range(random.randint(1, 6)):
        made[random.randrange(len(made))] = random.choice((0, 1, 0xFF, random.randrange(256)))
    return bytes(made[: random.randrange(len(made))] if random.random() < 0.1 else made)
