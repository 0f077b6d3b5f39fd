"""A subsystem that is registered here, beside the tool's own, goes through all phases: nothing of sdfgen/ knows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sdfgen.build.build import build
from sdfgen.build.contents import Contents
from sdfgen.build.job import Options
from sdfgen.commands.reference import explanation, json_schema
from sdfgen.commands.verify import surroundings
from sdfgen.describe import describe
from sdfgen.faults.render import as_text
from sdfgen.subsystems import register
from sdfgen.verify.board import verify_board

if TYPE_CHECKING:
    from pathlib import Path

BOARD = "qemu_virt_aarch64"
TEXT = f"""
[system]
name = "ringing"
boards = ["{BOARD}"]
[[guest]]
name = "butler"
ring = {{ pitch_hz = 880 }}
[[guest]]
name = "cook"
ring = {{}}
disk = [{{ partition = 0 }}]
[[guest]]
name = "cellar"
devices = ["virtio_mmio31"]
[block]
driver = "cellar"
storage = "/dev/vda"
[bell]
priority = 125
"""


@pytest.fixture(autouse=True)
def bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "PACKAGES", (*register.PACKAGES, "tests.subsystems.bell"))


def write(folder: Path, text: str) -> str:
    path = folder / "system.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_it_is_checked(tmp_path: Path) -> None:
    assert describe(write(tmp_path, TEXT)).faults.sorted() == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("pitch_hz = 880", "pitch_hz = 10", "error[SDF900]: guest `butler` rings at 10 Hz, which nobody hears"),
        ("pitch_hz = 880", "pitch = 880", "error[SDF004]: unknown key `pitch` (did you mean `pitch_hz`?)"),
        ("[bell]\npriority = 125\n", "", "error[SDF901]: guest `butler` rings, and there is no bell"),
        ("priority = 125", "tone = 3", "error[SDF026]: `bell.tone` is now `pitch_hz` of `ring`"),
        ("priority = 125", "name = 'butler_vmm'", "error[SDF024]: two protection domains are called `butler_vmm`"),
    ],
)
def test_its_faults_are_told(tmp_path: Path, before: str, after: str, told: str) -> None:
    assert told in as_text(describe(write(tmp_path, TEXT.replace(before, after))).faults.sorted())


def test_overrides_reach_it(tmp_path: Path) -> None:
    more = f"[board.{BOARD}.guest.cook]\nring = {{ pitch_hz = 30 }}\n"
    described = describe(write(tmp_path, TEXT + more), ["guest.butler.ring.pitch_hz=40"])
    assert [ring.pitch_hz for ring in described.systems[BOARD].parts["bell"].rings] == [40, 30]


def test_it_is_built(tmp_path: Path) -> None:
    description = describe(write(tmp_path, TEXT))
    (result,) = build(description, Contents(), Options(str(tmp_path / "build")))
    folder = tmp_path / "build" / BOARD
    made = {
        name: (folder / name).read_text(encoding="utf-8")
        for name in result.files
        if not name.endswith((".dtb", ".elf"))
    }
    assert '{ .guest = "butler", .pitch_hz = 880, .channel = 0, .page_vaddr = 0x80000000 }' in made["src/bell_table.c"]
    assert 'compatible = "made-up,bell";' in made["dts/butler.dts"]
    assert "bell@" not in made["dts/cellar.dts"]
    assert '<memory_region name="cook_bell" size="0x1000" />' in made["ringing.system"]
    manifest = json.loads(made["manifest.json"])
    assert manifest["bells"] == [{"guest": "butler", "pitch_hz": 880}, {"guest": "cook", "pitch_hz": 440}]
    assert "src/bell_table.c" in {row["file"] for row in manifest["outputs"]}
    assert any("bell.elf" in line for line in result.waiting) or "MICROKIT_SDK" in " ".join(result.waiting)


def test_it_is_verified(tmp_path: Path) -> None:
    description = describe(write(tmp_path, TEXT))
    build(description, Contents(), Options(str(tmp_path / "build")))
    folder = tmp_path / "build" / BOARD

    def told() -> list[str]:
        found = verify_board(description, BOARD, str(folder), surroundings(description, BOARD)).faults
        return [f"{fault.code} {fault.message}" for fault in found]

    assert told() == []
    for name, old, new in (("src/bell_table.c", b"880", b"881"), ("dtb/butler.dtb", b"\0\0\3\x70", b"\0\0\3\x71")):
        content = (folder / name).read_bytes()
        assert old in content
        (folder / name).unlink()
        (folder / name).write_bytes(content.replace(old, new))
    assert told() == [
        "SDF151 pitch of node /bell@10000000: <0x371> is written, <0x370> was decided",
        "SDF151 `bell_rings[0].pitch_hz`: 881 is written, 880 was decided",
    ]


def test_it_is_documented() -> None:
    schema = json.loads(json_schema())
    assert "bell" in schema["$defs"]["Spec"]["properties"]
    assert "ring" in schema["$defs"]["GuestTable"]["properties"]
    assert explanation("SDF900") == "SDF900: a bell can be heard\n\nNobody comes for a pitch that nobody hears.\n"


def test_without_it_nothing_is_left_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(register, "PACKAGES", ("sdfgen.subsystems.block",))
    codes = {fault.code for fault in describe(write(tmp_path, TEXT)).faults}
    assert codes == {"SDF004"}
    assert explanation("SDF900") is None
