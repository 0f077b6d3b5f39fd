"""What the patcher finds is told where the description asks for it; what failed leaves nothing behind that lasts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from patcher import read_values
from tests.patcher.building import FREESTANDING, Builder
from tests.patcher.conftest import builder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["builder"]

HEAD = '[system]\nname = "raw"\nboards = ["qemu_virt_aarch64"]\n\n[[guest]]\nname = "linux"\n\n'
SOURCE = """
#include <stdint.h>
volatile uint64_t blk_paddr = 1;
volatile uint32_t word32 = 3;
const uint64_t uart_base = 0x9000000;
uint64_t zero;
struct { struct { uint64_t base; uint32_t sizes[3]; } clients[2]; char name[8]; } config = {.name = "old"};
void _start(void) {
    while (blk_paddr + word32 + uart_base + zero + config.clients[zero].base + (uint64_t)config.name[zero]) {}
}
"""


@pytest.fixture(scope="session")
def program(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source") / "mine.c"
    source.write_text(SOURCE)
    return builder.cc("mine.elf", *FREESTANDING, "-g", sources=(str(source),))


@pytest.fixture
def project(program: Path, tmp_path: Path) -> Path:
    shutil.copy(program, tmp_path / "mine.elf")
    shutil.copy(program, tmp_path / "other.elf")
    return tmp_path


def patch(symbol: str, value: object, *more: str, elf: str = "mine.elf") -> str:
    return "\n".join(["[[patch]]", f'elf = "{elf}"', f'symbol = "{symbol}"', f"value = {value}", *more, "", ""])


def build(folder: Path, *patches: str, style: str = "text") -> subprocess.CompletedProcess[str]:
    (folder / "system.toml").write_text(HEAD + "".join(patches))
    environment = {name: value for name, value in os.environ.items() if name not in {"MICROKIT_SDK", "LIBVMM"}}
    command = [sys.executable, "-m", "sdfgen", "build", "system.toml", "-q", "--format", style]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def manifest(folder: Path) -> dict[str, dict[str, Any]]:
    text = (folder / "build/qemu_virt_aarch64/manifest.json").read_text()
    return {f"{row['elf']}:{row['symbol']}": row for row in json.loads(text)["patches"]}


MISSPELT = """\
system.toml:10:10: error[SDF141]: in mine.elf, no symbol is named `blk_padr` (PATCH007)
   10 | symbol = "blk_padr"
      |          ^^^^^^^^^^
  help: did you mean `blk_paddr`?

1 error
"""


def test_a_misspelt_symbol_is_told_with_its_line_and_the_next_build_works(project: Path) -> None:
    first = build(project, patch("blk_padr", 4))
    assert (first.returncode, first.stdout, first.stderr) == (1, "", MISSPELT)
    again = build(project, patch("blk_padr", 4))
    assert (again.returncode, again.stderr) == (1, MISSPELT)
    second = build(project, patch("blk_paddr", 4))
    assert (second.returncode, second.stderr) == (0, "")
    assert manifest(project)["mine.elf:blk_paddr"]["new"] == "0x0000000000000004"
    assert not list((project / "build").rglob("patch.then.faults.json"))


def test_machines_read_all_faults_of_all_files(project: Path) -> None:
    wrong = build(
        project,
        patch("blk_padr", 4),
        patch("word32", 4, "size = 8"),
        patch("word32", 2**33, elf="other.elf"),
        patch("zero", 4, elf="other.elf"),
        style="json",
    )
    assert wrong.returncode == 1
    assert [
        (row["code"], row["path"], row["message"], row["advice"]) for row in json.loads(wrong.stdout)["faults"]
    ] == [
        (
            "SDF141",
            "patch[0].symbol",
            "in mine.elf, no symbol is named `blk_padr` (PATCH007)",
            "did you mean `blk_paddr`?",
        ),
        (
            "SDF141",
            "patch[1].size",
            "in mine.elf, `word32` has 4 bytes, 8 requested (PATCH010)",
            "change its type or the request",
        ),
        (
            "SDF141",
            "patch[2].value",
            "in other.elf, the value of `word32` has 34 bits and the variable has 32 (PATCH011)",
            "correct the value or its size",
        ),
        (
            "SDF141",
            "patch[3].symbol",
            "in other.elf, `zero` is in .bss and has no bytes in the file (PATCH012)",
            "initialise it with a value not 0",
        ),
    ]


def test_a_fault_in_one_file_leaves_the_others_unpatched(project: Path) -> None:
    assert build(project, patch("blk_paddr", 4), patch("nothing_like_it", 4, elf="other.elf")).returncode == 1
    work = project / "build/.qemu_virt_aarch64"
    assert not list(work.glob("elf/*"))
    assert not (work / "obj/patch.then.json").exists()


def test_a_file_that_is_no_elf_is_told_where_it_is_named(project: Path) -> None:
    (project / "mine.elf").write_text("text")
    wrong = build(project, patch("blk_paddr", 4), patch("word32", 4))
    assert wrong.stderr.startswith("system.toml:9:7: error[SDF141]: in mine.elf, this is no ELF file (PATCH002)\n")


def test_a_fault_of_another_step_is_not_taken_for_one_of_the_patcher(project: Path) -> None:
    assert build(project, patch("blk_padr", 4)).returncode == 1
    compiler = "[toolchain]\ncc = 'false-'\n"
    assert "SDF141" not in build(project, patch("blk_paddr", 4), compiler).stderr


FOLDED = (
    "system.toml:10:10: warning[SDF142]: in mine.elf, `uart_base` is in .rodata and is not volatile: code may have its"
    " old value inside (PATCH025)"
)


def test_a_folded_constant_is_a_warning_also_when_nothing_has_changed(project: Path) -> None:
    for _ in range(2):
        done = build(project, patch("uart_base", 0x910_0000))
        assert (done.returncode, done.stderr.splitlines()[0]) == (0, FOLDED)
    assert "SDF142" not in build(project, patch("blk_paddr", 4)).stderr


def test_a_board_has_one_step_that_patches(project: Path) -> None:
    """Files with nothing to patch are copies."""
    build(project, patch("blk_paddr", 4), patch("word32", 5, "size = 4", elf="other.elf"))
    graph = (project / "build/qemu_virt_aarch64/build.ninja").read_text()
    assert re.findall(r"^build .*: patch .*$", graph, re.MULTILINE) == [
        "build elf/mine.elf elf/other.elf | obj/patch.then.json: patch ../../mine.elf ../../other.elf | obj/tools.json"
    ]
    assert {name: row["new"] for name, row in manifest(project).items()} == {
        "mine.elf:blk_paddr": "0x0000000000000004",
        "other.elf:word32": "0x00000005",
    }


def test_another_value_is_patched_anew_and_what_stays_keeps_its_time(project: Path) -> None:
    build(project, patch("blk_paddr", 4), patch("blk_paddr", 4, elf="other.elf"))
    elves = [project / "build/qemu_virt_aarch64/elf" / name for name in ("mine.elf", "other.elf")]
    before = [elf.stat().st_mtime_ns for elf in elves]
    build(project, patch("blk_paddr", 5), patch("blk_paddr", 4, elf="other.elf"))
    assert [elf.stat().st_mtime_ns == time for elf, time in zip(elves, before, strict=True)] == [False, True]
    assert manifest(project)["mine.elf:blk_paddr"]["new"] == "0x0000000000000005"


def test_names_that_ninja_and_json_would_misread(project: Path) -> None:
    name = 'a $b: "c\u00e9".elf'
    (project / "mine.elf").rename(project / name)
    done = build(project, patch("blk_paddr", 4, elf=name.replace('"', '\\"')))
    assert (done.returncode, done.stderr) == (0, "")
    assert manifest(project)[f"{name}:blk_paddr"]["state"] == "done"


def test_paths_lists_and_text_reach_the_elf(project: Path) -> None:
    size = "size('linux_ram')"
    done = build(
        project,
        patch("config.clients[1].base", f'"{size} + 1"'),
        patch("config.clients[1].sizes", f'[1, "{size} >> 20", 3]'),
        patch("config.clients[0].sizes", "[4, 5, 6]", "size = 4"),
        '[[patch]]\nelf = "mine.elf"\nsymbol = "config.name"\ntext = "disk"\n',
    )
    assert (done.returncode, done.stderr) == (0, "")
    elf = str(project / "build/qemu_virt_aarch64/elf/mine.elf")
    names = ["config.clients[1].base", "config.clients[1].sizes", "config.clients[0].sizes", "config.name"]
    base, sizes, others, name = read_values(elf, names).values()
    assert isinstance(base, int)
    assert sizes == (1, (base - 1) >> 20, 3)
    assert (others, name) == ((4, 5, 6), "disk")
    rows = manifest(project)
    assert rows["mine.elf:config.clients[0].sizes"]["value"] == ["0x4", "0x5", "0x6"]
    assert rows["mine.elf:config.name"]["new"] == '"disk"'


def test_a_patch_has_a_value_or_a_text(project: Path) -> None:
    table = '[[patch]]\nelf = "mine.elf"\nsymbol = "config.name"\n'
    neither = build(project, table)
    assert "system.toml:8:3: error[SDF143]: a patch has neither `value` nor `text`\n" in neither.stderr
    both = build(project, table + 'value = 1\ntext = "disk"\n')
    assert "system.toml:8:3: error[SDF143]: a patch has both `value` and `text`\n" in both.stderr
    broken = build(project, table + "value = [1, \"size('nothing')\"]\n")
    assert "error[SDF017]: value \"[1, size('nothing')]\": no memory region `nothing`" in broken.stderr
    wrong = build(project, table + 'text = "too long for it"\n')
    assert "system.toml:11:8: error[SDF141]: in mine.elf, `config.name` has 8 bytes" in wrong.stderr
