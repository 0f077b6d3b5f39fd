"""Addresses that the Microkit tool chooses: learned from what it says, patched, packed again; tools of both kinds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import pytest

from sdfgen.facts.dialects import DIALECTS, DOMAIN_NAME
from sdfgen.image.placed import read_placed
from tests.image.test_image import (
    BOARD,
    GOOD,
    HEAD,
    IPC_BUFFER,
    IPC_SYMBOL,
    MAPPED,
    REGION,
    SDK_FILES,
    SETVAR,
    WIDE,
    board,
    complaints,
    link,
    sdfgen,
)

LATER: Final = "2.3.0"
TOLD: Final = SETVAR.format(symbol=GOOD).removeprefix(REGION)
PATCH: Final = f"""
[[patch]]
elf = "alone.elf"
symbol = "{WIDE}"
value = "phys_addr('extra') + 1"
"""


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


def describe_as(folder: Path, version: str, region: str, more: str) -> None:
    text = HEAD.replace("2.0.1", version) + MAPPED.format(vaddr=0x100_0000).replace("0x1000\n", "0x3000\n") + more
    (folder / "system.toml").write_text(text.replace('"extra"', f'"{region}"').replace("'extra'", f"'{region}'"))


def project(folder: Path, more: str = "", region: str = "extra", version: str = LATER) -> Path:
    """A domain that maps a region; returns the SDK."""
    buffer = IPC_SYMBOL if DIALECTS[version].ipc_buffer_behind_image else "nothing"
    link(folder, f"--defsym={DOMAIN_NAME}={IPC_BUFFER:#x}", ipc_buffer=buffer, second_bytes=8)
    describe_as(folder, version, region, more)
    return make_sdk(folder / "sdk", version)


@pytest.mark.parametrize("version", DIALECTS)
def test_an_address_is_learned_with_every_version(tmp_path: Path, version: str) -> None:
    sdk = project(tmp_path, TOLD + PATCH, version=version)
    built = sdfgen("build", cwd=tmp_path, sdk=sdk)
    assert (built.returncode, complaints(built)) == (0, [])
    address = read_placed(str(board(tmp_path))).extents().regions["extra"].address
    assert address is not None
    assert (board(tmp_path) / "loader.img").read_bytes().count((address + 1).to_bytes(8, "little")) == 1
    verified = sdfgen("verify", cwd=tmp_path, sdk=sdk)
    assert (verified.returncode, verified.stderr) == (0, "")
    source = "capdl.json" if DIALECTS[version].writes_capdl else "report.txt"
    assert f"1 regions and 1 maps of the tool's {source}, " in verified.stdout
    assert "1 patched symbols" in verified.stdout


APART: Final = "the pages of region torn do not follow each other, and its address is told on"
UNKNOWN: Final = (
    "an address can't be learned: capdl.json of the Microkit tool has a form that is not known here: it is no capDL "
    "specification as Microkit's tools write it"
)
# What is described, and version; the place of what is told of it, and the words.
REFUSED: Final = {
    "moves": (("restless", TOLD + PATCH, LATER), "2:8", "patching moved what Microkit had placed: restless"),
    "torn by an old tool": (("torn", PATCH, "2.0.1"), "10:8", APART),
    "torn": (("torn", TOLD + PATCH, LATER), "10:8", APART),
    "decided later": (
        ("extra", PATCH, LATER),
        "10:8",
        "where region extra lies is decided at the start, and its address is told on",
    ),
    "unknown": (("silent", TOLD + PATCH, LATER), "24:9", UNKNOWN),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_learned_is_a_fault(tmp_path: Path, name: str) -> None:
    (region, more, version), place, words = REFUSED[name]
    failed = sdfgen("build", cwd=tmp_path, sdk=project(tmp_path, more, region, version))
    assert failed.returncode == 1
    assert complaints(failed)[0] == f"system.toml:{place}: error[SDF163]: {words}"
    assert not board(tmp_path).exists()


@pytest.mark.parametrize("region", ["torn", "restless"])
def test_what_nobody_is_told_of_may_lie_anywhere(tmp_path: Path, region: str) -> None:
    sdk = project(tmp_path, region=region)
    assert sdfgen("build", cwd=tmp_path, sdk=sdk).returncode == 0
    assert sdfgen("verify", cwd=tmp_path, sdk=sdk).returncode == 0


def test_a_form_that_nobody_needs_may_be_unknown_and_is_warned_of(tmp_path: Path) -> None:
    sdk = project(tmp_path, region="silent")
    built = sdfgen("build", cwd=tmp_path, sdk=sdk)
    assert built.returncode == 0
    assert (
        "system.toml:2:8: warning[SDF163]: capdl.json of the Microkit tool has a form that is not known" in built.stderr
    )
    assert "; where regions lie was not compared" in built.stderr
    verified = sdfgen("verify", cwd=tmp_path, sdk=sdk)
    assert verified.returncode == 0
    assert "what lies and is mapped where: the form of capdl.json is unknown: it is no capDL" in verified.stdout


def test_an_older_version_leaves_no_specification(tmp_path: Path) -> None:
    sdk = project(tmp_path, TOLD)
    assert sdfgen("build", cwd=tmp_path, sdk=sdk).returncode == 0
    assert (board(tmp_path) / "capdl.json").is_file()
    (sdk / "VERSION").write_text("2.0.1\n")
    link(tmp_path, second_bytes=8)
    describe_as(tmp_path, "2.0.1", "other", PATCH)
    built = sdfgen("build", cwd=tmp_path, sdk=sdk)
    assert (built.returncode, complaints(built)) == (0, [])
    assert not (board(tmp_path) / "capdl.json").exists()


AT: Final = str(0x6100_0000)
# What is written instead into the specification, and what is said of it.
TAMPERED: Final = {
    "a page is mapped elsewhere": ('"slot": 1,', '"slot": 5,', "map of extra in alone at 0x1005000 was not decided"),
    "a page has no address": (AT, "null", "region extra has no address, 0x61000000 was decided"),
    "a page has another address": (AT, str(int(AT) + 0x1000), "region extra lies at 0x61001000, "),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_verify_tells_of_what_the_tool_did_otherwise(tmp_path: Path, name: str) -> None:
    old, new, words = TAMPERED[name]
    sdk = project(tmp_path)
    path = tmp_path / "system.toml"
    path.write_text(path.read_text().replace("size", "phys_addr = 0x6100_0000\nsize"))
    assert sdfgen("build", cwd=tmp_path, sdk=sdk).returncode == 0
    made = board(tmp_path) / "capdl.json"
    text = made.read_text()
    assert text.count(old) == 1
    made.unlink()  # the working folder has the same file
    made.write_text(text.replace(old, new))
    done = sdfgen("verify", cwd=tmp_path, sdk=sdk)
    assert done.returncode == 1
    assert words in done.stderr
