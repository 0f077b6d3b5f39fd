"""`sdfgen import`: what is written where, and what never is."""

from __future__ import annotations

import io
import json
import os
import sys
import tomllib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

from sdfgen.commands import import_
from sdfgen.commands.cli import cli
from sdfgen.existing.request import Request
from sdfgen.importing.convert import import_system
from tests.existing.test_examine import pd, system
from tests.existing.test_examine import run as check_or_import
from tests.importing.steps import QEMU

if TYPE_CHECKING:
    import pytest

    from sdfgen.importing.convert import Imported


run = partial(check_or_import, command="import")


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.system").write_text(system(pd()))
    assert run("x.system", "--board", "odroidc4", "--microkit", "2.0.1") == 0
    assert capsys.readouterr() == ("x.system: system.toml makes the same system\n", "")
    text = Path("system.toml").read_text()
    assert tomllib.loads(text)["system"] == {"name": "x", "boards": ["odroidc4"], "microkit": "2.0.1"}
    assert run("x.system") == 1
    assert capsys.readouterr().err == "sdfgen: system.toml is there already; --force writes over it\n"
    assert Path("system.toml").read_text() == text
    assert run("x.system", "--force") == 0
    assert capsys.readouterr().out == (
        "x.system: system.toml makes the same system (read as Microkit 2.3.0, the newest version that takes it; "
        "no board was named: what a board decides was not judged (--board NAME))\n"
    )
    assert "boards = []  # name the boards that it is for\n" in Path("system.toml").read_text()
    assert run("x.system", "-o", "no/such.toml") == 1
    assert capsys.readouterr().err == "sdfgen: no/such.toml: No such file or directory\n"
    assert run("x.system", "-o", "x.system", "--force") == 2
    assert sorted(os.listdir()) == ["system.toml", "x.system"]


def test_to_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(system(pd()).encode())))
    parsed = CliRunner().invoke(cli, ["import", "-", "-o", "-", "--board", QEMU], input=system(pd()))
    assert parsed.exit_code == 0
    assert tomllib.loads(parsed.stdout)["system"]["name"] == "system"
    assert "-: the description makes the same system" in parsed.stderr
    assert CliRunner().invoke(cli, ["import", "x.system", "-o", "-", "--format", "json"]).exit_code == 2
    assert os.listdir() == []
    capsys.readouterr()


def test_nothing_is_written_when_something_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.system").write_text(system(pd('" priority="255"')))
    Path("old.toml").write_text("old")
    assert run("x.system", "-o", "old.toml", "--force", "--format", "json") == 1
    assert [fault["code"] for fault in json.loads(capsys.readouterr().out)["faults"]] == ["SDF032"]
    assert Path("old.toml").read_text() == "old"
    assert sorted(os.listdir()) == ["old.toml", "x.system"]


def test_somebody_else_is_quicker(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that comes while this one is made is not written over."""
    monkeypatch.chdir(tmp_path)
    Path("x.system").write_text(system(pd()))

    def meanwhile(*_: object) -> Imported:
        Path("system.toml").write_text("theirs")
        return import_system(Request("x.system"), ".")

    monkeypatch.setattr(import_, "import_system", meanwhile)
    assert run("x.system") == 1
    assert "is there already" in capsys.readouterr().err
    assert Path("system.toml").read_text() == "theirs"
    assert sorted(os.listdir()) == ["system.toml", "x.system"]
