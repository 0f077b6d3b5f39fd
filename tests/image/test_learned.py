"""Addresses that the Microkit tool chooses: learned from its report, patched, packed again; by tools of both kinds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import pytest

from sdfgen.image.report import read_extents
from sdfgen.rules.program_images import DOMAIN_NAME
from tests.image.test_image import BOARD, HEAD, IPC_BUFFER, MAPPED, PATCH, SDK_FILES, board, complaints, link, sdfgen

VERSIONS: Final = ("2.0.1", "2.1.0", "2.2.0", "2.3.0")
LATER: Final = "2.3.0"
# A heading that is not the tool's, which it has instead of a part that says where pages lie.
UNKNOWN: Final = "report.txt of the Microkit tool has a form that is not known here: it has no part "


def make_sdk(folder: Path, version: str) -> Path:
    for name in SDK_FILES:
        path = folder / "board" / BOARD / "debug" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (folder / "VERSION").write_text(f"{version}\n")
    (folder / "bin").mkdir()
    tool = folder / "bin" / "microkit"
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).parent / "stand_in_tool.py"}" "$@"\n')
    tool.chmod(0o755)
    return folder


def project(folder: Path, region: str, version: str = LATER, more: str = "") -> Path:
    """A domain that maps a region; returns the SDK."""
    link(folder, f"--defsym={DOMAIN_NAME}={IPC_BUFFER:#x}")
    text = HEAD.replace("2.0.1", version) + MAPPED.format(vaddr=0x100_0000).replace("0x1000\n", "0x3000\n") + more
    (folder / "system.toml").write_text(text.replace('"extra"', f'"{region}"'))
    return make_sdk(folder / "sdk", version)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_address_is_learned_from_the_report_of_every_version(tmp_path: Path, version: str) -> None:
    sdk = project(tmp_path, "extra", version, PATCH.format(region="extra"))
    built = sdfgen("build", cwd=tmp_path, sdk=sdk)
    assert (built.returncode, complaints(built)) == (0, [])
    address = read_extents(str(board(tmp_path) / "report.txt")).regions["extra"].address
    assert (board(tmp_path) / "loader.img").read_bytes().count((address + 1).to_bytes(8, "little")) == 1
    verified = sdfgen("verify", cwd=tmp_path, sdk=sdk)
    assert (verified.returncode, verified.stderr) == (0, "")
    source = "report.txt" if version == VERSIONS[0] else "capdl.json"
    assert f"1 regions of the tool's report, 1 maps of {source}, " in verified.stdout
    assert "1 patched symbols" in verified.stdout


def test_what_moves_once_is_patched_again(tmp_path: Path) -> None:
    sdk = project(tmp_path, "settling", more=PATCH.format(region="settling"))
    built = sdfgen("build", cwd=tmp_path, sdk=sdk)
    assert (built.returncode, complaints(built)) == (0, [])
    address = read_extents(str(board(tmp_path) / "report.txt")).regions["settling"].address
    packed = (board(tmp_path) / "loader.img").read_bytes()
    assert packed.count((address + 1).to_bytes(8, "little")) == 1
    assert packed.count((address - 0x1000 + 1).to_bytes(8, "little")) == 0
    assert sdfgen("verify", cwd=tmp_path, sdk=sdk).returncode == 0


# The region of a system, the place of what is told of it, and the words.
REFUSED: Final = {
    "restless": ("system.toml:2:8: error[SDF163]", "patching moved what Microkit had placed: restless"),
    "torn": ("report.txt", "the pages of region torn do not follow each other, and its address is told on"),
    "silent": ("system.toml:19:9: error[SDF163]", f"an address can't be learned: {UNKNOWN}"),
}


@pytest.mark.parametrize("region", REFUSED)
def test_what_cannot_be_learned_is_a_fault(tmp_path: Path, region: str) -> None:
    sdk = project(tmp_path, region, more=PATCH.format(region=region))
    failed = sdfgen("build", cwd=tmp_path, sdk=sdk)
    assert failed.returncode == 1
    where, words = REFUSED[region]
    (told,) = (line for line in failed.stderr.splitlines() if words in line)
    assert where in told
    assert not board(tmp_path).exists()


@pytest.mark.parametrize("region", ["torn", "restless"])
def test_what_nobody_is_told_of_may_lie_anywhere(tmp_path: Path, region: str) -> None:
    sdk = project(tmp_path, region)
    assert sdfgen("build", cwd=tmp_path, sdk=sdk).returncode == 0
    assert sdfgen("verify", cwd=tmp_path, sdk=sdk).returncode == 0


def test_a_report_that_nobody_needs_may_be_unknown_and_is_warned_of(tmp_path: Path) -> None:
    sdk = project(tmp_path, "silent")
    built = sdfgen("build", cwd=tmp_path, sdk=sdk)
    assert built.returncode == 0
    assert f"system.toml:2:8: warning[SDF163]: {UNKNOWN}" in built.stderr
    assert "; where regions lie was not compared" in built.stderr
    verified = sdfgen("verify", cwd=tmp_path, sdk=sdk)
    assert verified.returncode == 0
    assert "where regions lie: the report's form is unknown: it has no part " in verified.stdout
    assert "1 maps of capdl.json" in verified.stdout


def test_a_specification_that_is_not_understood_is_not_compared(tmp_path: Path) -> None:
    sdk = project(tmp_path, "vague")
    assert sdfgen("build", cwd=tmp_path, sdk=sdk).returncode == 0
    verified = sdfgen("verify", cwd=tmp_path, sdk=sdk)
    assert verified.returncode == 0
    assert "what is mapped where: capdl.json: it is no capDL specification" in verified.stdout


def changed_slot(text: str) -> str:
    """The second of three pages, which lies in the second entry of a table of its own, at the fifth."""
    assert text.count('"slot": 1,') == 1
    return text.replace('"slot": 1,', '"slot": 5,')


def test_verify_tells_of_a_page_that_is_mapped_elsewhere(tmp_path: Path) -> None:
    sdk = project(tmp_path, "extra")
    assert sdfgen("build", cwd=tmp_path, sdk=sdk).returncode == 0
    path = board(tmp_path) / "capdl.json"
    text = path.read_text()
    path.unlink()
    path.write_text(changed_slot(text))
    done = sdfgen("verify", cwd=tmp_path, sdk=sdk)
    assert done.returncode == 1
    assert "map of extra in alone at 0x1005000 was not decided" in done.stderr
