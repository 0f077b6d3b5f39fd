"""What machines read of faults: JSON as its schema says, SARIF with the text of each rule, and a hook for commits."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from sdfgen.commands.cli import cli
from sdfgen.commands.reference import explained, schema_of_view
from sdfgen.existing.examine import examine
from sdfgen.existing.request import Request
from sdfgen.faults.findings import as_json
from sdfgen.faults.sarif import as_sarif
from tests.paths import FAULTS, ROOT
from tests.views.views import breaks

if TYPE_CHECKING:
    from pathlib import Path

SYSTEM_FILES = sorted(FAULTS.glob("*/*.system"))
REGION = '<memory_region name="a" size="0x1000" />'
SHARED = f'<system>{REGION}{{}}<protection_domain name="b"><program_image path="b.elf" />'
SHARED += '<map mr="a" vaddr="0x2000000" perms="r" /></protection_domain></system>\n'
TWICE = SHARED.format(REGION)
READ = "read as Microkit 2.3.0, the newest version that takes it"
NO_BOARD = "no board was named: what a board decides was not judged (--board NAME)"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "x.system").write_text(TWICE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(style: str, *words: str) -> tuple[int, Any]:
    result = CliRunner().invoke(cli, ["check", *words, "--format", style])
    return result.exit_code, json.loads(result.stdout)


def test_json(folder: Path) -> None:
    assert folder.is_dir()
    status, found = check("json", "x.system")
    (fault,) = found.pop("faults")
    assert status == 1
    assert found == {
        "format": "sdfgen check",
        "version": 1,
        "errors": 1,
        "assumed": [f"x.system: {READ}", f"x.system: {NO_BOARD}"],
    }
    assert (fault["code"], fault["line"], fault["column"], fault["path"]) == ("SDF024", 1, 70, "memory_region[1].name")
    assert [(note["file"], note["column"]) for note in fault["notes"]] == [("x.system", 30)]


def test_json_is_as_its_schema_says() -> None:
    schema = json.loads(schema_of_view("check"))
    assert schema["title"] == "sdfgen check --format json, version 1"
    assert SYSTEM_FILES
    for path in SYSTEM_FILES:
        examined = examine(Request(str(path)))
        found = json.loads(as_json(examined.faults.sorted(), examined.said))
        assert breaks(schema, found, schema["$defs"]) == [], path


def test_sarif_has_the_text_of_each_rule(folder: Path) -> None:
    assert folder.is_dir()
    status, log = check("sarif", "x.system")
    (run,) = log["runs"]
    (rule,) = run["tool"]["driver"]["rules"]
    (result,) = run["results"]
    title, text = explained("SDF024")
    assert status == 1
    assert rule["id"] == result["ruleId"] == "SDF024"
    assert (rule["shortDescription"], rule["fullDescription"]) == ({"text": title}, {"text": text})
    assert rule["help"]["markdown"] == f"**{title}**\n\n{text}\n\n`sdfgen explain SDF024` says the same."
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert result["ruleIndex"] == 0
    notifications = run["invocations"][0]["toolExecutionNotifications"]
    assert [one["message"]["text"] for one in notifications] == [f"x.system: {READ}", f"x.system: {NO_BOARD}"]


def test_sarif_of_every_code_has_words_and_leads_to_its_rule() -> None:
    faults = [fault for path in SYSTEM_FILES for fault in examine(Request(str(path))).faults]
    (run,) = json.loads(as_sarif(faults, (), explained))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted({fault.code for fault in faults})
    for rule in rules:
        assert rule["shortDescription"]["text"], rule["id"]
        assert rule["fullDescription"]["text"], rule["id"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_github_is_told_what_was_taken_for_granted(folder: Path) -> None:
    assert folder.is_dir()
    out = CliRunner().invoke(cli, ["check", "x.system", "--format", "github"]).stdout
    assert out.splitlines()[1:] == [f"::notice title=sdfgen::x.system: {words}" for words in (READ, NO_BOARD)]


def hook() -> dict[str, str]:
    """The only hook there is, by key."""
    lines = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8").splitlines()
    pairs = (line.removeprefix("- ").strip().split(": ", 1) for line in lines if not line.startswith("#"))
    return {key: value.strip("'") for key, value in pairs}


@pytest.mark.parametrize(("text", "status"), [(SHARED.format(""), 0), (TWICE, 1)])
def test_the_hook_checks_what_is_listed(text: str, status: int, folder: Path) -> None:
    (folder / "x.system").write_text(text, encoding="utf-8")
    (folder / "sdfgen-check.toml").write_text('[[check]]\nsystem = "x.system"\n', encoding="utf-8")
    program, *words = hook()["entry"].split()
    assert (program, hook()["pass_filenames"], hook()["language"]) == ("sdfgen", "false", "python")
    command = [sys.executable, "-c", "from sdfgen.start import program; program()", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, "x.system" in done.stdout + done.stderr) == (status, True), done


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("board/x.system", True),
        ("dts/overlays/io.dts", True),
        ("vmm.c", True),
        ("sdfgen-check.toml", True),
        ("system.toml", False),
        ("a.cpp", False),
        ("README.md", False),
    ],
)
def test_files_that_the_hook_is_for(name: str, is_one: bool) -> None:
    assert bool(re.search(hook()["files"], name)) == is_one
