"""What resolving decides where the description leaves it open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.describe import describe
from sdfgen.emit.sdf.system_file import system_file
from sdfgen.faults.render import as_text
from sdfgen.subsystems.block.model import blocks_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from sdfgen.model.system import System

HEAD = '[system]\nname = "s"\nboards = ["qemu_virt_aarch64"]\nmicrokit = "2.3.0"\n'
BLOCK = """
[[guest]]
name = "storage"
devices = ["virtio_mmio31"]
[[guest]]
name = "c"
disk = [{ partition = 0 }]
[block]
driver = "storage"
storage = "/dev/vda"
"""


def system(folder: Path, text: str, *settings: str) -> System:
    (folder / "system.toml").write_text(HEAD + text)
    described = describe(str(folder / "system.toml"), settings)
    assert not described.faults.errors, as_text(described.faults.sorted())
    return described.systems["qemu_virt_aarch64"]


def test_a_raw_period_alone_keeps_the_default_budget(tmp_path: Path) -> None:
    raw = '[[protection_domain]]\nname = "p"\nprogram_image = "p.elf"\nperiod = 5000\n'
    assert '<protection_domain name="p" priority="0" budget="1000" period="5000">' in system_file(system(tmp_path, raw))


def test_a_channel_end_without_an_id_gets_the_lowest_free_one(tmp_path: Path) -> None:
    raw = BLOCK + '[[protection_domain]]\nname = "p"\nprogram_image = "p.elf"\n'
    raw += '[[channel]]\nends = [{ pd = "p", id = 0 }, { pd = "block_virt", id = 1 }]\n'
    raw += '[[channel]]\nends = [{ pd = "p" }, { pd = "block_virt" }]\n'
    ends = [(end.pd, end.id) for channel in system(tmp_path, raw).channels for end in channel.ends]
    assert ends == [
        ("block_virt", 0),
        ("storage_vmm", 1),
        ("block_virt", 2),
        ("c_vmm", 0),
        ("guest_timer", 0),
        ("block_virt", 3),
        ("guest_timer", 1),
        ("c_vmm", 1),
        ("guest_timer", 2),
        ("storage_vmm", 2),
        ("p", 1),
        ("block_virt", 4),
        ("p", 0),
        ("block_virt", 1),
    ]


def test_generated_domains_can_be_added_to(tmp_path: Path) -> None:
    raw = BLOCK + '[[memory_region]]\nname = "uart"\nsize = 0x1000\nphys_addr = 0x0900_0000\n'
    raw += '[[map]]\npd = "c"\nmr = "uart"\nvaddr = 0x0900_0000\ncached = false\n'
    raw += '[[irq]]\npd = "c_vmm"\nirq = 33\nid = 5\n'
    raw += '[[setvar]]\npd = "c_vmm"\nsymbol = "uart_paddr"\nregion_paddr = "uart"\n'
    pd = next(pd for pd in system(tmp_path, raw).pds if pd.name == "c_vmm")
    assert pd.vm is not None
    assert (pd.vm.maps[-1].region, pd.vm.maps[-1].vaddr) == ("uart", 0x0900_0000)
    assert [(irq.irq, irq.id) for irq in pd.irqs] == [(33, 5)]
    assert [(s.symbol, s.region) for s in pd.setvars] == [("uart_paddr", "uart")]


def test_a_description_can_bring_its_own_board(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    boards = tmp_path / "boards"
    boards.mkdir()
    shipped = (pytestconfig.rootpath / "boards" / "qemu_virt_aarch64.toml").read_text()
    (boards / "my_board.toml").write_text(shipped.replace("ram = 0x4000_0000", "ram = 0x4800_0000"))
    (tmp_path / "system.toml").write_text(HEAD.replace("qemu_virt_aarch64", "my_board") + BLOCK)
    described = describe(str(tmp_path / "system.toml"))
    assert not described.faults.errors, as_text(described.faults.sorted())
    assert described.systems["my_board"].guest("storage").ram_gpa == 0x4800_0000


def test_settings_and_board_tables_override(tmp_path: Path) -> None:
    raw = BLOCK + "[board.qemu_virt_aarch64.guest.c.disk.0]\nqueue_capacity = 64\ndata_size = 0x3000\n"
    made = system(tmp_path, raw, "guest.c.disk.0.queue_capacity=32")
    (block,) = blocks_of(made)
    (disk,) = block.disks
    assert (disk.capacity, made.region_index()[disk.data_region].size_bytes) == (32, 0x3000)


def test_a_fault_of_one_board_names_it(tmp_path: Path) -> None:
    text = HEAD.replace('["qemu_virt_aarch64"]', '["qemu_virt_aarch64", "odroidc4"]') + BLOCK
    text += '[board.odroidc4.guest.storage]\ndevices = ["sd"]\nram = "96 MiB"\npriority = 300\n'
    (tmp_path / "system.toml").write_text(text)
    faults = describe(str(tmp_path / "system.toml")).faults
    messages = [fault.message for fault in faults if fault.severity != "note"]
    assert len(messages) == 1
    assert messages[0].endswith("(on `odroidc4`)")


def test_generated_domains_can_be_scheduled_in_a_domain(tmp_path: Path) -> None:
    raw = BLOCK.replace("[[guest]]", '[[guest]]\ndomain = "d"') + 'virtualiser = { domain = "d" }\n'
    raw += '[domains]\nnames = ["d"]\nschedule = [{ domain = "d", duration = "100 us" }]\n'
    assert {pd.domain for pd in system(tmp_path, raw).pds} == {"d"}
