"""`sdfgen init`: projects that are good and build at once, or nothing."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.commands.init import init
from sdfgen.describe import describe
from tests.paths import BOARDS, GOLDENS, ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.conftest import Golden

QEMU: Final = "qemu_virt_aarch64"
ODROID: Final = "odroidc4"
FOREIGN: Final = "consoles.system"
SDFGEN: Final = (sys.executable, "-m", "sdfgen")
CASES: Final[dict[str, tuple[str, ...]]] = {
    "default": (),
    "alone": ("--guests", "0"),
    "one": ("--guests", "1"),
    "both-boards": ("--board", QEMU, "--board", ODROID),
    "odroid": ("--board", ODROID),
    "odroid-first": ("--board", ODROID, "--board", QEMU, "--guests", "3"),
    "bare": ("--no-make", "--no-cmake", "--ci", "none"),
    "gitlab": ("--ci", "gitlab"),
}


def sdfgen(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run((*SDFGEN, *words), cwd=folder, env=environment, capture_output=True, text=True, check=False)


def files_of(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("case", CASES)
def test_a_project_is_good(case: str, tmp_path: Path, golden: Golden) -> None:
    done = sdfgen(tmp_path, "init", "demo", *CASES[case])
    assert (done.returncode, done.stderr) == (0, "")
    described = describe(str(tmp_path / "demo" / "system.toml"))
    assert [fault for fault in described.faults if fault.severity != "note"] == []
    golden.check(GOLDENS / "init" / f"{case}.toml", (tmp_path / "demo" / "system.toml").read_text())
    golden.check(GOLDENS / "init" / f"{case}.txt", done.stdout + "\n".join(files_of(tmp_path / "demo")) + "\n")


@pytest.mark.parametrize("case", CASES)
def test_a_project_with_what_it_leaves_out_is_good(case: str, tmp_path: Path) -> None:
    """Each line that is commented out is one that may be taken in, as soon as its file is there."""
    sdfgen(tmp_path, "init", "demo", *CASES[case])
    path = tmp_path / "demo" / "system.toml"
    text = path.read_text()
    keys = [line for line in text.splitlines() if line.startswith("# ") and " = " in line]
    assert keys
    for line in keys:
        text = text.replace(line, line.removeprefix("# "))
    path.write_text(text)
    codes = {fault.code for fault in describe(str(path)).faults if fault.severity == "error"}
    assert codes <= {"SDF013"}  # kernels and RAM disks that are not there yet


def test_its_makefile_builds_it(tmp_path: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("no make here")
    sdfgen(tmp_path, "init", "demo", "--guests", "0")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = f"SDFGEN={sys.executable} -m sdfgen"
    words = ("make", "-C", "demo", program, "check")
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "good for qemu_virt_aarch64" in done.stdout
    done = subprocess.run(
        ("make", "-C", "demo", "SDFGEN=nowhere"), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "`nowhere` does not run: activate the environment that it is installed in" in done.stderr


@pytest.mark.parametrize(("case", "board"), [("default", QEMU), ("odroid", None), ("odroid-first", QEMU)])
def test_its_makefile_runs_what_qemu_has(case: str, board: str | None, tmp_path: Path) -> None:
    sdfgen(tmp_path, "init", "demo", *CASES[case])
    text = (tmp_path / "demo" / "Makefile").read_text()
    assert re.findall(r"run system.toml --board (\w+)", text) == ([board] if board else [])
    assert ("make run" in text) == bool(board)


REFUSED: Final[dict[str, tuple[Sequence[str], str, int]]] = {
    "name": (("a b",), "'a b' can't be a system's name, which has letters, digits, _ and -: name another folder", 2),
    "target": (("check",), "'check' is a target of every Makefile: name another folder", 2),
    "board": (
        ("x", "--board", "odroid"),
        f"there is no board 'odroid' (did you mean `{ODROID}`?): {ODROID}, {QEMU}; `sdfgen board NAME` begins one",
        2,
    ),
    "from_with_guests": (
        ("x", "--from", "y.system", "--guests", "2"),
        "--guests is for new descriptions; with --from, guests are the system file's",
        2,
    ),
    "from_without_board": (
        ("x", "--from", "y.system"),
        "--from takes one --board: the one that the system file is for",
        2,
    ),
    "nowhere": (("no/where/x",), "there is no folder no/where: make it, or name another", 1),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_not_be_is_refused(case: str, tmp_path: Path) -> None:
    words, said, status = REFUSED[case]
    done = sdfgen(tmp_path, "init", *words)
    assert (done.stderr.replace(f"{tmp_path}/", ""), done.returncode) == (f"sdfgen: {said}\n", status)
    assert list(tmp_path.iterdir()) == []


def test_a_system_file_becomes_the_description(tmp_path: Path, golden: Golden) -> None:
    (tmp_path / "x.system").write_bytes((GOLDENS / "sdf" / FOREIGN).read_bytes())
    done = sdfgen(tmp_path, "init", "demo", "--from", "x.system", "--board", QEMU)
    assert (done.returncode, done.stderr) == (0, "")
    golden.check(GOLDENS / "init" / "from.txt", done.stdout)
    schema, text = (tmp_path / "demo" / "system.toml").read_text().split("\n", 1)
    assert schema == "#:schema .sdfgen/description.schema.json"
    imported = sdfgen(tmp_path, "import", "x.system", "--board", QEMU, "-o", "-")
    assert text == imported.stdout.replace('name = "x"', 'name = "demo"')
    assert sdfgen(tmp_path / "demo", "check", "system.toml").returncode == 0


def test_of_a_system_file_with_faults_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "x.system").write_text('<system><memory_region name="a" size="1" /></system>')
    done = sdfgen(tmp_path, "init", "demo", "--from", "x.system", "--board", QEMU)
    assert done.returncode == 1
    assert done.stderr.startswith("x.system:1:2: error[SDF027]: the system has no protection domain\n")
    assert files_of(tmp_path) == ["x.system"]


def test_too_many_guests_are_told_and_nothing_is_written(tmp_path: Path) -> None:
    done = sdfgen(tmp_path, "init", "demo", "--guests", "61")
    assert done.returncode == 1
    assert "system.toml:441:9: error[SDF014]: 61 disks" in done.stderr
    assert done.stderr.endswith("sdfgen: nothing was written: system.toml is what demo would have begun with\n")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "Makefile").write_text("mine\n")
    done = sdfgen(tmp_path, "init", "demo")
    said = "sdfgen: demo has Makefile already; name a new folder, or move them away (nothing was written)\n"
    assert (done.stderr, done.returncode) == (said, 1)
    assert files_of(tmp_path) == ["demo/Makefile"]
    assert sdfgen(tmp_path, "init", "demo", "--no-make").returncode == 0
    assert (tmp_path / "demo" / "Makefile").read_text() == "mine\n"


def test_a_folder_that_takes_no_project_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither what was tried in it before, which is gone again, nor what was to be made."""

    def full(**_: str) -> str:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / ".sdfgen-init-abc"))

    monkeypatch.setattr("tempfile.mkdtemp", full)
    with pytest.raises(SystemExit):
        init(str(tmp_path / "demo"), (), None, None, make=True, cmake=True, ci="none")
    assert capsys.readouterr().err == f"sdfgen: {tmp_path}: Permission denied; nothing was written\n"


def test_it_is_for_this_folder_without_a_name(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    done = sdfgen(tmp_path / "here", "init")
    assert "next: sdfgen build system.toml\n" in done.stdout
    assert 'name = "here"' in (tmp_path / "here" / "system.toml").read_text()


def test_a_board_of_ones_own_is_taken(tmp_path: Path) -> None:
    boards = tmp_path / "demo" / "boards"
    boards.mkdir(parents=True)
    text = (BOARDS / f"{QEMU}.toml").read_text()
    (boards / "mine.toml").write_text(text)
    without = text.replace('[disk]\ndevices = ["virtio_mmio31"]\nstorage = "/dev/vda"\n', "")
    (boards / "diskless.toml").write_text(without)
    done = sdfgen(tmp_path, "init", "demo", "--board", "diskless")
    first = without.splitlines()[0]
    said = f"""demo/boards/diskless.toml:1:1: error[SDF125]: \
the board file of `diskless` has no [disk] that a guest could drive
    1 | {first}
      | ^
  help: add one, or take --guests 0

1 error
"""
    assert (done.stderr, done.returncode) == (said, 2)
    assert sdfgen(tmp_path, "init", "demo", "--board", "mine").returncode == 0
    assert describe(str(tmp_path / "demo" / "system.toml")).systems.keys() == {"mine"}


def test_editors_find_their_schemas(tmp_path: Path) -> None:
    sdfgen(tmp_path, "init", "demo")
    demo = tmp_path / "demo"
    named = (demo / "system.toml").read_text().splitlines()[0].removeprefix("#:schema ")
    assert json.loads((demo / named).read_text())["title"] == "system description of sdfgen"
    assert json.loads((demo / ".sdfgen/board.schema.json").read_text())["title"] == "board file of sdfgen"
    assert json.loads((demo / ".vscode/extensions.json").read_text())


WORKFLOWS: Final = {"github": ".github/workflows/system.yml", "gitlab": ".gitlab-ci.yml"}


@pytest.mark.parametrize("ci", WORKFLOWS)
def test_a_workflow_does_what_it_says(ci: str, tmp_path: Path) -> None:
    """Each of its commands that is not the CI's own, or pip's, is run."""
    sdfgen(tmp_path, "init", "demo", "--guests", "0", "--ci", ci)
    text = (tmp_path / "demo" / WORKFLOWS[ci]).read_text()
    commands = re.findall(r"^ +- (?:run: )?sdfgen (.*)$", text, re.MULTILINE)
    assert [words.split()[0] for words in commands] == ["check", "build", "verify"]
    for words in commands:
        done = sdfgen(tmp_path / "demo", *words.split())
        assert done.returncode == 0, done.stderr
    assert 'pip install "$SDFGEN"' in text
    assert "sdfgen-vm[zig]" in text
