"""Whatever is changed after a build is told, once, at its place and with what is right.

The whole text is kept beside this file: tampering/NAME.txt. Digests, and addresses that the linker chose, are left out
of it: they are another compiler's to change.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from sdfgen.faults.render import FORMATS, as_text
from tests.verify.built import BOARDS, ODROID, QEMU, Project, faults, replace, verified

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Golden

EXPECTED = Path(__file__).parent / "tampering"


class Edit(NamedTuple):
    """A file of a project in which one stretch of bytes is another; a file that goes where `new` is None."""

    name: str
    project: str
    board: str
    file: str
    old: str | bytes
    new: str | bytes | None
    codes: list[str]


def edit(
    name: str,
    file: str,
    old: str | bytes,
    new: str | bytes | None,
    *codes: str,
    project: str = "example",
    board: str = QEMU,
) -> Edit:
    return Edit(name, project, board, f"build/{board}/{file}", old, new, list(codes) or ["SDF151"])


def words(*numbers: int) -> bytes:
    """Cells of a device tree."""
    return b"".join(number.to_bytes(4, "big") for number in numbers)


def quads(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(8, "little") for number in numbers)


VIRT, UIO, VMM = "src/block_virt_table.c", "src/block_uio_table.c", "src/client1_vmm_table.c"
STORAGE, TIMER, NATIVE = "src/storage_vmm_table.c", "src/guest_timer_table.c", "src/database_block_table.c"
SDF, HEADER, PAGE = "two-clients.system", "include/two-clients_config.h", "block_phys_addr.bin"
DRIVER = "elf/block_uio_driver.elf"
FULL = {"project": "full"}
ON_ODROID = {"board": ODROID}
MAP_HEAD = '<map mr="block_client1_0_requests" vaddr='
C_TABLES = [
    edit("virtualiser_partition", VIRT, ".partition = 1", ".partition = 2"),
    edit("virtualiser_read_only", VIRT, ".read_only = false", ".read_only = true"),
    edit("virtualiser_weight", VIRT, ".weight = 1", ".weight = 16"),
    edit("virtualiser_bandwidth", VIRT, ".bandwidth = 0", ".bandwidth = 4096"),
    edit("virtualiser_iops", VIRT, ".iops = 0", ".iops = 1"),
    edit("virtualiser_address", VIRT, ".request_vaddr = 0x80002000", ".request_vaddr = 0x80003000"),
    edit("virtualiser_address_odroid", VIRT, ".request_vaddr = 0x80002000", ".request_vaddr = 0x80003000", **ON_ODROID),
    edit("virtualiser_channel", VIRT, ".channel = 2", ".channel = 3"),
    edit("virtualiser_count", VIRT, ".client_count = 2", ".client_count = 1"),
    edit("virtualiser_symbol", VIRT, "&io_base_client1_0_data", "&io_base_client2_0_data"),
    edit("virtualiser_clients", VIRT, ".clients = clients", ".clients = 0"),
    edit("uio_map_address", UIO, ".gpa = 0x80200000", ".gpa = 0x80300000"),
    edit("uio_map_name", UIO, '"request_queue"', '"requests"'),
    edit("uio_storage", UIO, "/dev/vda", "/dev/vdb"),
    edit("uio_mode", UIO, "PHYS_ADDR_ASSIGNED", "PHYS_ADDR_LEARNED"),
    edit("uio_slot", UIO, ".map_index = 7", ".map_index = 6"),
    edit("vmm_ram", VMM, ".ram_gpa = 0x40000000", ".ram_gpa = 0x41000000"),
    edit("vmm_ram_odroid", VMM, ".ram_size_bytes = 0x8000000", ".ram_size_bytes = 0x9000000", **ON_ODROID),
    edit("vmm_priority", VMM, ".priority = 60", ".priority = 61"),
    edit("vmm_beside", VMM, ".vcpus_beside = 0x1", ".vcpus_beside = 0x0"),
    edit("vmm_apart", VMM, ".vcpus_apart = 0x0", ".vcpus_apart = 0x1"),
    edit("vmm_device_interrupt", VMM, ".intid = 75", ".intid = 76"),
    edit("vmm_device_kind", VMM, "&vmm_pl011_kind", "&vmm_virtio_blk_kind"),
    edit("vmm_device_config", VMM, ".registers_vaddr = 0x8000e000", ".registers_vaddr = 0x8000f000"),
    edit("vmm_no_channel", VMM, "VMM_NO_CHANNEL", "3"),
    edit("vmm_truncated", VMM, ".intid = 75", ".intid = 0x10000004c"),
    edit("vmm_passed_interrupt", STORAGE, ".intid = 79", ".intid = 80"),
    edit("vmm_phys_addr", STORAGE, ".phys_addr_vaddr = 0x80001000", ".phys_addr_vaddr = 0x80002000"),
    edit("vmm_restart", STORAGE, ".may_restart = true", ".may_restart = false"),
    edit("timer_channel", TIMER, ".irq_channel = 4", ".irq_channel = 5"),
    edit("timer_page", TIMER, ".page_vaddr = 0x80001000", ".page_vaddr = 0x80002000"),
    edit("native_queue", NATIVE, ".queue_capacity = 16", ".queue_capacity = 32", **FULL),
    edit("vmm_virtual_cpus", "src/client_vmm_table.c", ".vcpu_count = 2", ".vcpu_count = 1", **FULL),
    edit("table_comment", VMM, "Made by", "Mode by", "SDF150"),
    edit("table_longer", VMM, "#include <sdfgen/vmm_config.h>\n", "\n\n\n", "SDF150"),
    edit("table_unsound", VMM, ".intid = 75", ".intid = = 75", "SDF150"),
    edit("table_renamed", VMM, "struct vmm_config vmm_config", "struct vmm_config config", "SDF150", "SDF150"),
]
SYSTEM_FILE = [
    edit("sdf_priority", SDF, 'name="client1_vmm" priority="100"', 'name="client1_vmm" priority="101"'),
    edit("sdf_right", SDF, 'vaddr="0x150000" perms="r"', 'vaddr="0x150000" perms="rw"'),
    edit("sdf_address", SDF, f'{MAP_HEAD}"0x80002000"', f'{MAP_HEAD}"0x80003000"'),
    edit("sdf_address_odroid", SDF, f'{MAP_HEAD}"0x80002000"', f'{MAP_HEAD}"0x80003000"', **ON_ODROID),
    edit("sdf_region_size", SDF, 'name="storage_ram" size="0x8000000"', 'name="storage_ram" size="0x7000000"'),
    edit("sdf_physical_address", SDF, 'phys_addr="0x48200000"', 'phys_addr="0x48300000"'),
    edit("sdf_cached", SDF, ' cached="false"', ""),
    edit("sdf_budget", SDF, 'budget="10000"', 'budget="9000"'),
    edit("sdf_interrupt", SDF, 'irq="79"', 'irq="78"'),
    edit("sdf_trigger", SDF, 'trigger="edge"', 'trigger="level"'),
    edit("sdf_channel_id", SDF, '<end pd="block_virt" id="1"', '<end pd="block_virt" id="7"'),
    edit("sdf_stack", SDF, 'stack_size="0x5000"', 'stack_size="0x4000"'),
    edit("sdf_unknown_attribute", SDF, ' perms="rw"', ' perms="rw" setvar_vaddr="x"'),
    edit("sdf_map_gone", SDF, '<map mr="client2_wake" vaddr="0x8000f000" perms="rw" />', "", "SDF150", "SDF150"),
    edit("sdf_prefill", "full.system", f'prefill_path="{PAGE}"', 'prefill_path="other.bin"', **FULL),
    edit("sdf_core", "full.system", '="0x5000" cpu="2"', '="0x5000" cpu="3"', **FULL),
    edit("sdf_core_of_virtual_cpu", "full.system", '<vcpu id="1" cpu="3" />', '<vcpu id="1" cpu="2" />', **FULL),
    edit("sdf_core_gone", "full.system", '<vcpu id="1" cpu="3" />', '<vcpu id="1" />', **FULL),
    edit("sdf_virtual_cpu_gone", "full.system", '<vcpu id="1" cpu="3" />', "", "SDF150", "SDF150", **FULL),
    edit("sdf_no_number", SDF, 'priority="120"', 'priority="high"'),
    edit("sdf_cut", SDF, "</system>", "", "SDF150", "SDF150"),
    edit("sdf_entity", SDF, "<system>", '<!DOCTYPE s [<!ENTITY e "x">]><system>', "SDF150"),
]
HEADERS = [
    edit("header_address", HEADER, "0x48200000", "0x48300000"),
    edit("header_channel", HEADER, "BLOCK_VIRT_CLIENT1_VMM_CHANNEL 1", "BLOCK_VIRT_CLIENT1_VMM_CHANNEL 2"),
    edit(
        "header_size_odroid", HEADER, "CLIENT1_RAM_SIZE_BYTES 0x8000000", "CLIENT1_RAM_SIZE_BYTES 0x800000", **ON_ODROID
    ),
    edit("header_renamed", HEADER, "#define CLIENT1_RAM_SIZE", "#define CLIENT9_RAM_SIZE", "SDF150", "SDF151"),
    edit("header_unsound", HEADER, "#pragma once", "#error once ", "SDF150"),
]
RAM = words(0, 0x4000_0000, 0, 0x800_0000)
TREES = [
    edit("tree_client_ram", "dtb/client1.dtb", RAM, words(0, 0x4000_0000, 0, 0x900_0000)),
    edit(
        "tree_client_ram_odroid",
        "dtb/client1.dtb",
        words(0, 0x2000_0000, 0, 0x800_0000),
        words(0, 0, 0, 1),
        **ON_ODROID,
    ),
    edit("tree_driver_map", "dtb/storage.dtb", words(0x8020_0000, 0, 0x1000), words(0x8030_0000, 0, 0x1000)),
    edit("tree_interrupt", "dtb/client1.dtb", words(0, 75 - 32, 4), words(0, 76 - 32, 4)),
    edit("tree_bootargs", "dtb/client1.dtb", b"console=ttyAMA0", b"console=ttyAMA1"),
    edit("tree_gic", "dtb/client1.dtb", words(0, 0x801_0000, 0, 0x1000), words(0, 0x802_0000, 0, 0x1000)),
    edit("tree_timer", "dtb/client1.dtb", words(1, 13, 0x104), words(1, 12, 0x104)),
    edit("tree_timer_of_one_cpu", "dtb/client.dtb", words(1, 13, 0x304), words(1, 13, 0x104), **FULL),
    edit("tree_cpu_renamed", "dtb/client.dtb", b"cpu@1\0", b"cpu@2\0", "SDF150", "SDF150", **FULL),
    edit("tree_passed_device", "dtb/storage.dtb", words(0xA00_3E00, 0, 0x200), words(0xA00_3C00, 0, 0x200)),
    edit(
        "tree_node_renamed",
        "dtb/client1.dtb",
        words(1) + b"psci\0\0\0\0",
        words(1) + b"pscj\0\0\0\0",
        "SDF150",
        "SDF150",
    ),
    edit("tree_cut", "dtb/client1.dtb", b"\xd0\x0d\xfe\xed", b"\xd0\x0d\xfe", "SDF150"),
    edit("tree_text", "dts/client1.dts", "0x8000000", "0x9000000"),
    edit("tree_text_odroid", "dts/storage.overlay.dts", "0x6000000", "0x7000000", **ON_ODROID),
    edit("tree_merged_ram", "guest/storage.dtb", words(0, 0x4000_0000, 0, 0x400_0000), words(0, 0, 0, 0), **FULL),
    edit(
        "tree_merged_initrd", "guest/storage.dtb", b"linux,initrd-end", b"linux,initrd-enf", "SDF150", "SDF150", **FULL
    ),
    edit("tree_merged_kept", "guest/storage.dtb", b"kept\0", b"lost\0", "SDF150", **FULL),
    edit("tree_overlay", "dtb/storage.overlay.dtbo", b"okay\0", b"okey\0", "SDF150", **FULL),
]
ELVES = [
    edit("patched_symbol", DRIVER, quads(0x4820_0000), quads(0x4820_0040)),
    edit("patched_symbol_odroid", DRIVER, quads(0x2620_0000), quads(0x2620_0040), **ON_ODROID),
    edit("linked_table", DRIVER, quads(0x8020_0000, 0x1000), quads(0x8030_0000, 0x1000)),
    edit("other_build", DRIVER, b".shstrtab\0", b".shstrtaB\0", "SDF150"),
    edit("elf_cut", DRIVER, b"\x7fELF", b"ELF", "SDF150", "SDF150"),
]
FILES = [
    edit("page_address", PAGE, quads(0x4420_0000), quads(0x4420_1000), **FULL),
    edit("page_map", PAGE, (7).to_bytes(4, "little"), (6).to_bytes(4, "little"), **FULL),
    edit("page_magic", PAGE, b"SDFGPHYS", b"SDFGPHYX", **FULL),
    edit("page_padding", PAGE, bytes(900), bytes(899) + b"x", "SDF150", **FULL),
    edit("initrd_driver", "guest/storage.initrd", b"\x7fELF", b"\x7fELG", "SDF155", **FULL),
    edit("driver_disk", "guest/block.disk", "/dev/vda", "/dev/vdb", "SDF150", "SDF155", **FULL),
    edit("depfile", "two-clients.d", "system.toml", "other.toml", "SDF150"),
    edit("graph", "build.ninja", "-O2", "-O3", "SDF150"),
]
GONE = [
    *(
        edit(f"no_{name}", file, "", None, *codes)
        for name, file, codes in (
            ("table", VMM, ["SDF150"]),
            ("system_file", SDF, ["SDF150"]),
            ("header", HEADER, ["SDF150"]),
            ("tree", "dtb/client1.dtb", ["SDF150"]),
            ("source_of_tree", "dts/client1.dts", ["SDF150"]),
            ("elf", DRIVER, ["SDF150"]),
            ("graph", "build.ninja", ["SDF150"]),
            ("depfile", "two-clients.d", ["SDF150"]),
            ("manifest", "manifest.json", ["SDF152"]),
        )
    ),
    edit("no_page", PAGE, "", None, "SDF150", **FULL),
    edit("no_initrd", "guest/storage.initrd", "", None, "SDF150", **FULL),
    edit("no_merged_tree", "guest/storage.dtb", "", None, "SDF150", **FULL),
    edit("no_overlay", "dtb/storage.overlay.dtbo", "", None, "SDF150", **FULL),
]
MANIFEST = "manifest.json"
MANIFESTS = [
    edit("manifest_address", MANIFEST, '"vaddr": "0x80002000"', '"vaddr": "0x80003000"', "SDF152"),
    edit("manifest_core", MANIFEST, '"vcpu": 1, "core": 3', '"vcpu": 1, "core": 2', "SDF152", **FULL),
    edit("manifest_board", MANIFEST, '"board": "qemu', '"board": "gemu', "SDF152"),
    edit("manifest_version", MANIFEST, '"generator": "sdfgen ', '"generator": "sdfgen 9', "SDF152"),
    edit("manifest_partition", MANIFEST, '"partition": 1', '"partition": 2', "SDF152"),
    edit("manifest_patch", MANIFEST, '"value": "0x48200000"', '"value": "0x48300000"', "SDF152"),
    edit("manifest_patched_bytes", MANIFEST, '"old": "0x', '"old": "0xa', "SDF152"),
    edit("manifest_state", MANIFEST, '"state": "done"', '"state": "gone"', "SDF152"),
    edit("manifest_spaces", MANIFEST, '"board": ', '"board":  ', "SDF152"),
    edit("manifest_twice", MANIFEST, '  "board"', '  "board": "x",\n  "board"', "SDF152"),
    edit("manifest_more", MANIFEST, '  "board"', '  "more": [],\n  "board"', "SDF152"),
    edit("manifest_cut", MANIFEST, '],\n  "sha256"', "", "SDF152"),
    edit("manifest_list", MANIFEST, "{\n", "[{\n", "SDF152"),
    edit("manifest_no_digest", MANIFEST, '"sha256": "', '"sha256": "x', "SDF152"),
    edit(
        "manifest_outside", MANIFEST, '"file": "build.ninja"', '"file": "../build.ninja"', "SDF150", "SDF152", "SDF152"
    ),
    edit("manifest_input_unknown", MANIFEST, '{"file": "system.toml"', '{"file": "sistem.toml"', "SDF152", "SDF153"),
]
EDITS = [*C_TABLES, *SYSTEM_FILE, *HEADERS, *TREES, *ELVES, *FILES, *GONE, *MANIFESTS]


def tamper(folder: Path, what: Edit) -> None:
    path = folder / what.file
    if what.new is None:
        path.unlink()
        return
    old, new = (part.encode() if isinstance(part, str) else part for part in (what.old, what.new))
    content = path.read_bytes()
    assert old in content, "there is nothing to tamper with"
    replace(path, content.replace(old, new, 1))


def plain(text: str) -> str:
    text = re.sub(r"[0-9a-f]{64}", "DIGEST", text)
    text = re.sub(r'("(?:vaddr|file_offset)": ")0x[0-9a-f]+', r"\1ADDRESS", text)
    return re.sub(r"(` at|byte|bytes are|than) 0x[0-9a-f]+", r"\1 ADDRESS", text)


@pytest.mark.parametrize("what", EDITS, ids=lambda what: what.name)
def test_tampering_is_told(
    what: Edit, projects: dict[str, Project], tmp_path: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(projects[what.project].copied(tmp_path).folder)
    tamper(Path(), what)
    found = faults(what.board)
    golden.check(EXPECTED / f"{what.name}.txt", plain(as_text(found)))
    assert sorted(fault.code for fault in found) == what.codes


@pytest.mark.parametrize(("project", "board"), [("example", board) for board in BOARDS] + [("full", QEMU)])
def test_what_was_built_agrees(
    project: str, board: str, projects: dict[str, Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(projects[project].folder)
    before = {path: path.lstat() for path in projects[project].folder.rglob("*")}
    result = verified(board)
    assert as_text(list(result.faults)) == ""
    assert "6 compiled C tables" in result.compared
    assert result.left_out == ("the image: none was packed",)
    assert {path: path.lstat() for path in projects[project].folder.rglob("*")} == before, "it only reads"


# What changes of the inputs: the file, what stands in it, what stands in it then, and the codes.
SOURCES: list[tuple[str, str, str, bytes, bytes, list[str]]] = [
    ("input_partition", "example", "system.toml", b"partition = 0", b"partition = 3", ["SDF153"]),
    ("input_comment", "example", "system.toml", b"# Two", b"# two", ["SDF153"]),
    ("input_include", "full", "more.toml", b"capacity = 16", b"capacity = 32", ["SDF153"]),
    ("input_kernel", "full", "Image", b"ARMd", b"ARMd\1", ["SDF153"]),
    ("input_initrd", "full", "disk.cpio", b"0000000100000000", b"0000000200000000", ["SDF153"]),
    ("input_tree", "full", "own.dtb", b"a machine", b"A machine", ["SDF153"]),
]


@pytest.mark.parametrize(("name", "project", "file", "old", "new", "codes"), SOURCES, ids=[row[0] for row in SOURCES])
def test_a_changed_input_is_told_with_what_was_made_of_it(
    name: str,
    project: str,
    file: str,
    old: bytes,
    new: bytes,
    codes: list[str],
    projects: dict[str, Project],
    tmp_path: Path,
    golden: Golden,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(projects[project].copied(tmp_path).folder)
    content = Path(file).read_bytes()
    assert old in content
    Path(file).write_bytes(content.replace(old, new, 1))
    found = faults(QEMU)
    golden.check(EXPECTED / f"{name}.txt", plain(as_text(found)))
    assert sorted(fault.code for fault in found) == codes


def add_file(board: Path) -> None:
    (board / "src" / "more.c").write_text("")


def link_elsewhere(board: Path) -> None:
    (board / "c").unlink()
    (board / "c").symlink_to("/nowhere")


def folder_for_file(board: Path) -> None:
    (board / "build.ninja").unlink()
    (board / "build.ninja").mkdir()


def nothing(board: Path) -> None:
    board.rename(board.with_name("away"))


FOLDERS: list[tuple[Callable[[Path], None], str, str]] = [
    (add_file, "SDF150", "src/more.c was not built: manifest.json does not list it"),
    (link_elsewhere, "SDF150", "c leads to /nowhere, not to "),
    (folder_for_file, "SDF150", "build.ninja is no file that can be read; manifest.json lists it"),
    (nothing, "SDF150", f"build/{QEMU}: nothing was built here"),
]


@pytest.mark.parametrize(("act", "code", "message"), FOLDERS, ids=[act.__name__ for act, *_ in FOLDERS])
def test_folders_are_looked_into(
    act: Callable[[Path], None],
    code: str,
    message: str,
    projects: dict[str, Project],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = projects["example"].copied(tmp_path)
    monkeypatch.chdir(project.folder)
    act(project.board(QEMU))
    (fault,) = faults(QEMU)
    assert fault.code == code
    assert fault.message.startswith(message)


def test_every_format_has_place_and_value(
    projects: dict[str, Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(projects["example"].copied(tmp_path).folder)
    tamper(Path(), C_TABLES[0])
    texts = {style: show(faults(QEMU)) for style, show in FORMATS.items()}
    file, message = f"build/{QEMU}/{VIRT}", "`block_virt_config.clients[1].partition`: 2 is written, 1 was decided"
    (record,) = json.loads(texts["json"])["faults"]
    assert (record["file"], record["line"], record["column"], record["message"]) == (file, 39, 22, message)
    assert [(note["file"], note["line"]) for note in record["notes"]] == [("system.toml", 24)]
    assert texts["github"] == f"::error file={file},line=39,col=22,title=SDF151::{message}\n"
    (result,) = json.loads(texts["sarif"])["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 39, "startColumn": 22}


def test_every_expectation_has_its_edit() -> None:
    names = [edit.name for edit in EDITS]
    assert len(set(names)) == len(names)
    assert {path.stem for path in EXPECTED.glob("*.txt")} == {*names, *(name for name, *_ in SOURCES)}
