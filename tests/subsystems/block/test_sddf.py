"""Clients that are told of their disk in sDDF 0.7's way: what is filled in, what the client reads, what is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from patcher import PatchRequest, describe_type, patch_file, read_values
from sdfgen.describe import describe
from sdfgen.subsystems.block.model import blocks_of
from sdfgen.subsystems.block.sddf import MAGIC, MEMBERS, SECTION
from tests.patcher.conftest import builder

if TYPE_CHECKING:
    from tests.patcher.building import Builder

__all__ = ["builder"]

BOARD = "qemu_virt_aarch64"
SOURCE = Path(__file__).parent / "sddf_client.c"
LINUX = ("-target", "aarch64-linux-musl", "-static", "-no-pie", "-O2")
QEMU = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
SYSTEM = """\
[system]
name = "demo"
boards = ["qemu_virt_aarch64"]

[[guest]]
name = "storage"
devices = ["virtio_mmio31"]

[[guest]]
name = "other"
disk = [{ partition = 0 }]

[block]
driver = "storage"
storage = "/dev/vda"

[[protection_domain]]
name = "first"
program_image = "first.elf"
priority = 50
disk = [{ partition = 2 }]

[[protection_domain]]
name = "mine"
program_image = "mine.elf"
priority = 50
disk = [{ partition = 1, queue_capacity = 256, data_size = "64 KiB" }]
sddf = true
"""


def project(folder: Path, client: Path | None) -> Path:
    if client is not None:
        shutil.copy(client, folder / "mine.elf")
    path = folder / "system.toml"
    path.write_text(SYSTEM)
    return path


def client(builder: Builder, *options: str) -> Path:
    return builder.cc("mine.elf", *LINUX, *(options or ("-g",)), sources=(str(SOURCE),))


def sdfgen(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in {"MICROKIT_SDK", "LIBVMM"}}
    command = [sys.executable, "-m", "sdfgen", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def expected(path: Path) -> dict[str, int]:
    """What the structure must hold, by the system's maps and regions instead of the disk that it is made from."""
    system = describe(str(path)).systems[BOARD]
    (pd,) = (pd for pd in system.pds if pd.name == "mine")
    maps, regions = {m.region: int(m.vaddr) for m in pd.maps}, system.region_index()
    (id_,) = (end.id for channel in system.channels for end in channel.ends if end.pd == "mine")
    found = {".virt.num_buffers": 256, ".virt.id": id_}
    names = {"virt.storage_info": "storage_info", "virt.req_queue": "requests", "virt.resp_queue": "responses"}
    for member, name in {**names, "data": "data"}.items():
        region = f"block_mine_0_{name}"
        found[f".{member}.vaddr"], found[f".{member}.size"] = maps[region], regions[region].size_bytes or 0
    return found


@pytest.fixture(scope="module")
def built(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sddf")
    project(folder, client(builder))
    done = sdfgen(folder, "build", "-q", "system.toml")
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def test_the_structure_is_filled_in(built: Path) -> None:
    elf = str(built / "build" / BOARD / "elf" / "mine.elf")
    wanted = {SECTION + name: value for name, value in expected(built / "system.toml").items()}
    assert read_values(elf, wanted) == wanted
    assert read_values(elf, [f"{SECTION}.magic"]) == {f"{SECTION}.magic": "sDDF\x02"}
    assert {name for name in MEMBERS if name != ".magic"} == {name.removeprefix(SECTION) for name in wanted}


@pytest.mark.skipif(QEMU is None, reason="needs qemu-aarch64-static, which runs a program for AArch64")
def test_the_client_reads_it(built: Path) -> None:
    elf = str(built / "build" / BOARD / "elf" / "mine.elf")
    said = subprocess.run([str(QEMU), elf], capture_output=True, text=True, check=True).stdout.split("\n")
    values = expected(built / "system.toml")
    names = {"info": ".virt.storage_info", "requests": ".virt.req_queue", "responses": ".virt.resp_queue"}
    ranges = [
        f"{name} {values[f'{member}.vaddr']:x} {values[f'{member}.size']:x}"
        for name, member in {**names, "data": ".data"}.items()
    ]
    assert said == [bytes(MAGIC).hex(), *ranges, f"256 {values['.virt.id']}", ""]


def test_the_virtualiser_takes_of_it_what_sddf_has_only(built: Path) -> None:
    """A client of sDDF's gets no answer but an error to a code that its own virtualiser has not."""
    (block,) = blocks_of(describe(str(built / "system.toml")).systems[BOARD])
    rows = (built / "build" / BOARD / "src" / "block_virt_table.c").read_text().split(".name = ")[1:]
    extended = {row.split('"')[1]: ".extended = true" in row.split("},")[0] for row in rows}
    assert extended == {"first_0": True, "mine_0": False, "other_0": True}
    assert {disk.owner: disk.sddf for disk in block.disks} == {"first": False, "mine": True, "other": False}


def test_it_gets_no_table_of_ours(built: Path) -> None:
    tables = {path.name for path in (built / "build" / BOARD / "src").glob("*_block_table.c")}
    assert tables == {"first_block_table.c"}


def test_verify_holds_it(built: Path, tmp_path: Path) -> None:
    done = sdfgen(built, "verify", "system.toml")
    assert (done.returncode, done.stderr) == (0, "")
    shutil.copytree(built, tmp_path / "copy", symlinks=True)
    elf = tmp_path / "copy" / "build" / BOARD / "elf" / "mine.elf"
    member = f"{SECTION}.virt.num_buffers"
    before = read_values(str(elf), [member])[member]
    assert isinstance(before, int)
    patch_file(str(elf), str(elf), [PatchRequest(member, before + 1, None)])
    done = sdfgen(tmp_path / "copy", "verify", "system.toml")
    assert done.returncode == 1
    assert f"`{member}`" in done.stderr
    assert f"is {before + 1:#x} instead of {before:#x}" in done.stderr


def test_every_member_is_in_the_manifest(built: Path) -> None:
    rows = json.loads((built / "build" / BOARD / "manifest.json").read_text())["patches"]
    mine = [row for row in rows if row["elf"] == "mine.elf"]
    assert [row["symbol"] for row in mine] == [SECTION + name for name in MEMBERS]
    assert {(row["state"], row["from"]) for row in mine} == {("done", "system.toml: protection_domain[1].sddf")}


def test_members_are_where_a_compiler_puts_them(builder: Builder) -> None:
    leaves = describe_type(str(client(builder)), SECTION)
    assert [(leaf.path, leaf.offset_bytes, leaf.size_bytes) for leaf in leaves] == [
        (name, member.offset_bytes, member.size_bytes) for name, member in MEMBERS.items()
    ]


def test_a_client_that_is_not_there_yet_waits(tmp_path: Path) -> None:
    path = project(tmp_path, None)
    assert list(describe(str(path)).faults) == []
    done = sdfgen(tmp_path, "build", "--no-compile", "system.toml")
    assert (done.returncode, done.stderr) == (0, "")


NOT_07 = "the structure in `.blk_client_config` of 'mine.elf' of `mine` is not sDDF 0.7's: "
CANNOT = "'mine.elf' of `mine` cannot be told of its disk: "
SECOND = 'MORE=__attribute__((section(".blk_client_config"), used)) struct client second'
# How the client is compiled, what is told of it, and what to do.
REFUSED = {
    "larger counter": (
        ["-g", "-DBUFFERS=uint32_t num_buffers"],
        NOT_07
        + "`virt.num_buffers` is 4 bytes at 56 instead of 2 bytes at 56, `virt.id` is 1 byte at 60 instead of 1 byte"
        " at 58",
    ),
    "member missing": (
        ["-g", "-DBUFFERS=uint16_t capacity", "-Dnum_buffers=capacity"],
        NOT_07 + "it has no `virt.num_buffers`, `virt.capacity` is one more",
    ),
    "all moved": (
        ["-g", "-DBUFFERS=uint64_t more[5]; uint16_t num_buffers"],
        NOT_07
        + "`virt.num_buffers` is 2 bytes at 96 instead of 2 bytes at 56, `virt.id` is 1 byte at 98 instead of 1 byte"
        " at 58, `data.vaddr` is 8 bytes at 104 instead of 8 bytes at 64, `data.size` is 8 bytes at 112 instead of 8"
        " bytes at 72, and 1 more",
    ),
    "another magic": (
        ["-g", "-DFIRST== { .magic = { 's', 'D', 'D' } }"],
        "the magic in `.blk_client_config` of 'mine.elf' of `mine` is 73 44 44 00 00, and sDDF 0.7's is 73 44 44 46 02",
    ),
    "no debug information": (
        ["-g0"],
        CANNOT
        + "the type of `[.blk_client_config]` cannot be read: there is no debug information about `told` (PATCH022)",
    ),
    "another section": (
        ["-g", '-DSECTION=".blk_config"'],
        CANNOT + "no section is named `.blk_client_config` (PATCH021)",
    ),
    "two structures": (
        ["-g", f"-D{SECOND}"],
        CANNOT + "2 variables are in section `.blk_client_config`: `told`, `second` (PATCH021)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_another_structure_is_refused_at_its_key(tmp_path: Path, builder: Builder, name: str) -> None:
    options, message = REFUSED[name]
    faults = describe(str(project(tmp_path, client(builder, *options)))).faults
    assert [(fault.code, fault.where.text, fault.message) for fault in faults] == [
        ("SDF149", "protection_domain[1].sddf", message)
    ]


@pytest.mark.parametrize("first", ["{ .magic = { 's', 'D', 'D', 'F', 2 } }", "{ .data = { 0, 9 } }"])
def test_what_is_there_already_is_written_over(tmp_path: Path, builder: Builder, first: str) -> None:
    path = project(tmp_path, client(builder, "-g", f"-DFIRST== {first}"))
    assert list(describe(str(path)).faults) == []


def test_a_constant_structure_is_warned_of_once(tmp_path: Path, builder: Builder) -> None:
    options = ("-g", "-DQUALIFIED=const", "-DFIRST== { .data = { 0, 9 } }")
    project(tmp_path, client(builder, *options))
    for command in (("check",), ("build",), ("build",)):
        done = sdfgen(tmp_path, *command, "system.toml")
        assert (done.returncode, done.stderr.count("warning[SDF142]")) == (0, 1)


@pytest.mark.parametrize("content", [b"", b"int main;", b"\x7fELF"])
def test_a_file_that_is_no_program_is_told_once(tmp_path: Path, content: bytes) -> None:
    path = project(tmp_path, None)
    (tmp_path / "mine.elf").write_bytes(content)
    faults = describe(str(path)).faults
    assert [(fault.code, fault.where.text) for fault in faults] == [("SDF102", "protection_domain[1].program_image")]


def test_guests_have_no_such_key(tmp_path: Path) -> None:
    path = tmp_path / "system.toml"
    path.write_text(SYSTEM.replace("disk = [{ partition = 0 }]", "disk = [{ partition = 0 }]\nsddf = true"))
    faults = describe(str(path)).faults
    assert [(fault.code, fault.where.text) for fault in faults] == [("SDF004", "guest[1].sddf")]
