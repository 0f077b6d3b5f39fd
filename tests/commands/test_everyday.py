"""What one meets each day: several files, warnings as errors, colours, completion, versions, progress."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen import __version__
from sdfgen.build.progress import Progress
from sdfgen.faults.colour import coloured
from tests.paths import EXAMPLE, FAULTS, ROOT, SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SDFGEN: Final = (sys.executable, "-m", "sdfgen")
ENVIRONMENT: Final = {
    **{name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "CI", "MICROKIT_SDK", "LIBVMM"}},
    "PYTHONPATH": str(ROOT),
    "TERM": "xterm",
}
WARNED: Final = FAULTS / "SDF045" / "mr_unused.toml"
GOOD: Final = str(SYSTEMS / "lone_guest.toml")
SYSTEM_FILE: Final = '<system><protection_domain name="a"><program_image path="a.elf"/></protection_domain></system>\n'


def run(*words: str, cwd: Path = ROOT, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**ENVIRONMENT, **more}
    return subprocess.run((*SDFGEN, *words), cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_check_takes_several_files(tmp_path: Path) -> None:
    (tmp_path / "a.system").write_text(SYSTEM_FILE)
    (tmp_path / "bad.toml").write_text((FAULTS / "SDF005" / "guest_without_name.toml").read_text())
    done = run("check", GOOD, "a.system", cwd=tmp_path)
    assert done.returncode == 0
    first, second = done.stdout.splitlines()
    assert first.startswith(f"{GOOD}: good for ")
    assert second.startswith("a.system: good")
    done = run("check", GOOD, "a.system", "bad.toml", GOOD, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("bad.toml:") == 1
    assert done.stderr.endswith("1 error\n")


USUALLY: Final = (("check",), ("build", "--no-compile"), ("verify",), ("show",), ("run", "--loader", "x", "--", "-S"))


@pytest.mark.parametrize("words", USUALLY, ids=lambda words: words[0])
def test_descriptions_are_usually_called_alike(words: tuple[str, ...], tmp_path: Path) -> None:
    done = run(*words, cwd=tmp_path)
    if words[0] != "check":  # which may have a list of files, too
        assert (
            done.stderr
            == """system.toml:1:1: error[SDF001]: 'system.toml' cannot be read: No such file or directory
  help: give the path of a description, or begin one: sdfgen init NAME

1 error
"""
        )
    (tmp_path / "system.toml").write_text((SYSTEMS / "lone_guest.toml").read_text())
    done = run(*words, cwd=tmp_path)
    assert "system.toml" not in done.stderr
    assert done.returncode == (1 if words[0] in {"run", "verify"} else 0)


def test_faults_of_several_files_are_one_document(tmp_path: Path) -> None:
    for name in ("one.toml", "two.toml"):
        (tmp_path / name).write_text((FAULTS / "SDF005" / "guest_without_name.toml").read_text())
    done = run("check", "one.toml", "two.toml", "--format", "json", cwd=tmp_path)
    assert [fault["file"] for fault in json.loads(done.stdout)["faults"]] == ["one.toml", "two.toml"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--elf", "a=a.elf"), "--elf is for one system file; `sdfgen-check.toml` lists several"),
        (("sdfgen-check.toml",), "sdfgen-check.toml lists files, and is checked by itself"),
    ],
)
def test_what_is_for_one_file_is_told(words: tuple[str, ...], said: str) -> None:
    done = run("check", GOOD, GOOD, *words)
    assert done.stderr.startswith(f"sdfgen: {said}")
    assert done.returncode == 2


@pytest.mark.parametrize("command", ["check", "build"])
def test_warnings_can_be_errors(command: str, tmp_path: Path) -> None:
    more = () if command == "check" else ("--no-compile", "-o", str(tmp_path / "out"))
    done = run(command, str(WARNED), *more)
    assert (done.returncode, "warning[SDF045]" in done.stderr) == (0, True)
    for flag in ("-W", "--warnings-as-errors"):
        done = run(command, str(WARNED), *more, flag)
        assert (done.returncode, done.stdout) == (1, "")
        assert "error[SDF045]" in done.stderr
        assert "warning" not in done.stderr


def test_warnings_of_system_files_can_be_errors(tmp_path: Path) -> None:
    low = SYSTEM_FILE.replace("<program_image", '<irq irq="33" id="1" trigger="edge"/><program_image')
    (tmp_path / "a.system").write_text(low)
    soft = run("check", "a.system", cwd=tmp_path)
    hard = run("check", "a.system", "-W", cwd=tmp_path)
    assert (soft.returncode, hard.returncode) == (0, int("warning" in soft.stderr))


def on_terminal(words: tuple[str, ...], environment: Mapping[str, str]) -> str:
    """What a command writes to a terminal."""
    leader, follower = pty.openpty()
    with subprocess.Popen((*SDFGEN, *words), env=environment, stdout=follower, stderr=follower, cwd=ROOT):
        os.close(follower)
        said = b""
        try:
            while part := os.read(leader, 65536):
                said += part
        except OSError:  # the other end is closed
            pass
    os.close(leader)
    return said.decode()


def test_a_terminal_has_colours() -> None:
    said = on_terminal(("check", str(WARNED)), ENVIRONMENT)
    assert "\x1b[1;33mwarning[SDF045]:\x1b[0m" in said
    assert "\x1b[1;32mhelp:\x1b[0m" in said


@pytest.mark.parametrize("more", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_left_out(more: dict[str, str]) -> None:
    assert "\x1b" not in on_terminal(("check", str(WARNED)), {**ENVIRONMENT, **more})


def test_machines_get_no_colours() -> None:
    said = on_terminal(("check", str(WARNED), "--format", "json"), ENVIRONMENT)
    assert "\x1b" not in said


@pytest.mark.parametrize("path", sorted(FAULTS.glob("SDF0[0-4]?/*.txt")), ids=lambda path: path.stem)
def test_colours_change_nothing_else(path: Path) -> None:
    plain = path.read_text()
    shown = coloured(plain)
    for code in ("1", "1;31", "1;33", "1;36", "1;32", "0"):
        shown = shown.replace(f"\x1b[{code}m", "")
    assert shown == plain
    assert coloured(plain) != plain


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("sdfgen b", ["plain,board", "plain,build"]),
        ("sdfgen build system.toml --board o", ["plain,odroidc4"]),
        ("sdfgen check --board mi", ["plain,mine"]),
        ("sdfgen board qemu", ["plain,qemu_virt_aarch64"]),
        ("sdfgen explain SDF21", [f"plain,SDF21{digit}" for digit in range(10)]),
        ("sdfgen run system.toml --console cl", ["plain,client1", "plain,client2"]),
        ("sdfgen run --console st", ["plain,storage"]),
        ("sdfgen check sys", ["file,sys"]),
        ("sdfgen build -o b", ["dir,b"]),
        ("sdfgen check --format s", ["plain,sarif"]),
        ("sdfgen build --dep", ["plain,--depfile"]),
        ("sdfgen run broken.toml --console c", []),
    ],
)
def test_shells_complete(typed: str, found: list[str], tmp_path: Path) -> None:
    (tmp_path / "system.toml").write_text(EXAMPLE.read_text())
    (tmp_path / "broken.toml").write_text('guest = "wh')
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "mine.toml").write_text("")
    environment = {
        **ENVIRONMENT,
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - 1),
        "_SDFGEN_COMPLETE": "bash_complete",
    }
    program = (sys.executable, "-c", "import sys; sys.argv[0] = 'sdfgen'; from sdfgen.start import main; main()")
    done = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == found
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_one_command(shell: str) -> None:
    done = run("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_SDFGEN_COMPLETE={shell}_complete" in done.stdout


def test_bash_takes_what_completion_writes() -> None:
    script = run("completion", "bash").stdout + "\ncomplete -p sdfgen\n"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "_sdfgen_completion" in done.stdout


def test_versions_are_told_to_people_and_machines() -> None:
    assert run("--version").stdout == f"sdfgen, version {__version__}\n"
    found = json.loads(run("--version", "--json").stdout)
    assert (found["version"], found["microkit"][-1]) == (__version__, "2.3.0")
    assert found["boards"] == ["odroidc4", "qemu_virt_aarch64"]
    assert found["libraries"]["click"]
    done = run("--json")
    assert (done.returncode, "--json is for --version" in done.stderr) == (2, True)


def test_without_words_there_is_help() -> None:
    done = run()
    assert done.returncode == 2
    assert "Commands:" in done.stderr


class Terminal:
    """A standard error that says it is a terminal, and keeps what is written."""

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


@pytest.mark.parametrize(("ci", "lines"), [("", False), ("true", True)])
def test_a_log_of_ci_has_lines_and_nothing_that_turns(ci: str, lines: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("TERM", "xterm")
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    shown = Progress("demo")
    now += 12
    shown.step(3, 9, "compile it")
    assert "demo: 3 of 9 steps, 12 s; done: compile it" in terminal.text
    now += 20
    shown.wait()
    shown.done()
    assert "demo: 3 of 9 steps, 32 s; done: compile it" in terminal.text
    assert ("\r" not in terminal.text and terminal.text.endswith("\n")) == lines
