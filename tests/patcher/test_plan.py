"""One process for all files of a board: all of the plan is done or nothing, and what was done is written down."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from patcher import PatchError, PatchJob, PatchRequest, patch_files, read_values
from patcher.plan import read_plan, run_plan

if TYPE_CHECKING:
    from pathlib import Path

ARGUMENTS = ("plan.json", "record.json", "faults.json")


def patch(symbol: str, value: object, size_bytes: int | None = 8) -> dict[str, object]:
    return {"symbol": symbol, "value": value, "size_bytes": size_bytes}


def file(name: str, *patches: dict[str, object]) -> dict[str, object]:
    return {"source": f"{name}.elf", "target": f"out/{name}.elf", "patches": list(patches)}


@pytest.fixture
def board(static: Path, pie: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(static, tmp_path / "one.elf")
    shutil.copy(pie, tmp_path / "two.elf")
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(folder: Path, *files: dict[str, object]) -> None:
    (folder / "plan.json").write_text(json.dumps({"files": files}))


def read(folder: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / name).read_text())
    return content


GOOD = (file("one", patch("base_a", 1), patch("config.grid[0]", [1, 2, 3, 4])), file("two", patch("small", 2, None)))


def test_all_files_are_patched_and_recorded(board: Path) -> None:
    planned(board, *GOOD)
    run_plan(*ARGUMENTS)
    assert read_values("out/one.elf", ["base_a", "config.grid[0]"]) == {"base_a": 1, "config.grid[0]": (1, 2, 3, 4)}
    assert read_values("out/two.elf", ["small"]) == {"small": 2}
    one, two = read(board, "record.json")["files"]
    assert (one["source"], one["target"], one["warnings"]) == ("one.elf", "out/one.elf", [])
    assert [row["new"] for row in one["patches"]] == [
        "0x0000000000000001",
        "[0x0000000000000001, 0x0000000000000002, 0x0000000000000003, 0x0000000000000004]",
    ]
    assert [row["symbol"] for row in two["patches"]] == ["small"]
    assert not (board / "faults.json").exists()


def test_what_is_done_is_not_done_again(board: Path) -> None:
    planned(board, *GOOD)
    run_plan(*ARGUMENTS)
    made = [board / "out/one.elf", board / "out/two.elf", board / "record.json"]
    for path in made:
        os.utime(path, ns=(1, 1))
    run_plan(*ARGUMENTS)
    assert [path.stat().st_mtime_ns for path in made] == [1, 1, 1]


def test_one_fault_anywhere_and_nothing_is_written(board: Path) -> None:
    planned(board, *GOOD)
    run_plan(*ARGUMENTS)
    before = {path.name: path.read_bytes() for path in (board / "out").iterdir()}
    planned(
        board,
        file("one", patch("base_a", 9), patch("base_c", 1)),
        file("three", patch("base_a", 1)),
        file("two", patch("zero", 1)),
    )
    with pytest.raises(PatchError):
        run_plan(*ARGUMENTS)
    assert {path.name: path.read_bytes() for path in (board / "out").iterdir()} == before
    assert not (board / "record.json").exists()
    told = [(row["code"], row["blame"], row["path"], row["target"]) for row in read(board, "faults.json")["faults"]]
    assert told == [
        ("PATCH007", "call", "one.elf", "out/one.elf"),
        ("PATCH001", "call", "three.elf", "out/three.elf"),
        ("PATCH012", "file", "two.elf", "out/two.elf"),
    ]
    planned(board, *GOOD)
    run_plan(*ARGUMENTS)
    assert not (board / "faults.json").exists()


def test_a_target_that_cannot_be_written_keeps_the_others_from_being_replaced(board: Path) -> None:
    blocked = {**file("two", patch("small", 2, 4)), "target": "no/such/folder"}
    planned(board, file("one", patch("base_a", 1)), blocked)
    with pytest.raises(PatchError, match=r"no/such/folder: error\[PATCH018\]"):
        run_plan(*ARGUMENTS)
    assert os.listdir(board / "out") == []


def test_a_copy_that_goes_wrong_keeps_the_others_from_being_replaced(
    board: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, seen = os.pwrite, []

    def fail_second(descriptor: int, value: bytes, offset: int) -> int:
        seen.append(offset)
        return write(descriptor, value if len(seen) == 1 else bytes(len(value)), offset)

    monkeypatch.setattr(os, "pwrite", fail_second)
    jobs = [PatchJob(f"{name}.elf", f"out/{name}.elf", (PatchRequest("base_a", 5),)) for name in ("one", "two")]
    with pytest.raises(PatchError) as caught:
        patch_files(jobs)
    assert (caught.value.code, caught.value.blame, caught.value.path) == ("PATCH019", "tool", "out/two.elf")
    assert os.listdir(board / "out") == []


PLACE = "files[0].patches[0]"
KEYS = "must be an object with symbol, value, size_bytes and nothing else; correct it"
MALFORMED: dict[str, tuple[object, str]] = {
    "a list": ([], "the plan must be an object with files and nothing else; correct it"),
    "another key": ({"files": [], "more": 1}, "the plan must be an object with files and nothing else; correct it"),
    "files of another kind": (
        {"files": {}},
        "the plan.files is {}, which is of another kind than it must be; correct it",
    ),
    "no target": (
        {"files": [{"source": "one.elf", "patches": []}]},
        "files[0] must be an object with source, target, patches and nothing else; correct it",
    ),
    "a patch without size": ({"files": [file("one", {"symbol": "a", "value": 1})]}, f"{PLACE} {KEYS}"),
    "a fraction": (
        {"files": [file("one", patch("a", 1.5))]},
        f"{PLACE}.value is 1.5, which is of another kind than it must be; correct it",
    ),
    "a boolean": (
        {"files": [file("one", patch("a", value=True))]},
        f"{PLACE}.value is True, which is of another kind than it must be; correct it",
    ),
    "a list of texts": (
        {"files": [file("one", patch("a", ["x"]))]},
        f"{PLACE} has something else than numbers; correct it",
    ),
    "one target twice": (
        {"files": [file("one"), {**file("two"), "target": "out/../out/one.elf"}]},
        "files[0] and files[1] both write out/../out/one.elf; give each a target of its own",
    ),
    "a target that another reads": (
        {"files": [file("one"), {**file("two"), "source": "out/one.elf"}]},
        "files[0] writes out/one.elf, which files[1] reads; patch it in one step",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_plans_of_another_form(board: Path, name: str) -> None:
    content, message = MALFORMED[name]
    (board / "plan.json").write_text(json.dumps(content))
    with pytest.raises(PatchError) as caught:
        read_plan("plan.json")
    assert str(caught.value) == f"plan.json: error[PATCH024]: {message}"
    with pytest.raises(PatchError):
        run_plan(*ARGUMENTS)
    assert [row["code"] for row in read(board, "faults.json")["faults"]] == ["PATCH024"]


def test_a_plan_that_is_no_json_or_not_there(board: Path) -> None:
    (board / "plan.json").write_text("{")
    with pytest.raises(PatchError, match=r"^plan.json: error\[PATCH024\]: this is no JSON \("):
        read_plan("plan.json")
    (board / "plan.json").write_text("[" * 100_000)
    with pytest.raises(PatchError, match=r"^plan.json: error\[PATCH024\]: this is no JSON \("):
        read_plan("plan.json")
    (board / "plan.json").write_bytes(b"\xff")
    with pytest.raises(PatchError, match=r"^plan.json: error\[PATCH001\]: cannot be read"):
        read_plan("plan.json")
    with pytest.raises(PatchError, match=r"^nothing.json: error\[PATCH001\]: cannot be read \(No such file"):
        read_plan("nothing.json")


def test_a_file_may_be_patched_in_place(board: Path) -> None:
    planned(board, {**file("one", patch("base_a", 3)), "target": "one.elf"})
    run_plan(*ARGUMENTS)
    assert read_values("one.elf", ["base_a"]) == {"base_a": 3}


RUN = "import runpy; runpy.run_module('patcher', run_name='__main__', alter_sys=True)"
SHOW = "import atexit, sys; atexit.register(lambda: print(sorted({'click', 'lief'} & set(sys.modules))));"
ONE_PROCESSOR = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
TWO_PROCESSORS = pytest.mark.skipif(len(os.sched_getaffinity(0)) == 1, reason="there is one processor only")
STEP = ("--plan", "plan.json", "--record", "record.json", "--faults", "faults.json")


def process(*options: str, cwd: Path, before: str = ONE_PROCESSOR) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", before + SHOW + RUN, *options]
    return subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True)


def test_a_build_step_loads_no_more_than_it_needs(board: Path) -> None:
    planned(board, *GOOD)
    assert process(*STEP, cwd=board).stdout == "['lief']\n"
    assert process(*STEP, cwd=board).stdout == "[]\n"
    planned(board, file("one", patch("base_c", 1)), file("two", patch("zero", 1)))
    failed = process(*STEP, cwd=board)
    assert (failed.returncode, failed.stdout) == (1, "[]\n")
    assert failed.stderr == (
        "at fault is what was asked for:\n"
        "one.elf: error[PATCH007]: no symbol is named `base_c`; did you mean `base_b` or `base_a`?\n"
        "at fault is the file that was given:\n"
        "two.elf: error[PATCH012]: `zero` is in .bss and has no bytes in the file; initialise it with a value not 0\n"
    )


SHIFTED = """
from patcher import locate
read = locate._segments
locate._segments = lambda binary: (one._replace(file_offset=one.file_offset + 8) for one in read(binary))
"""
SILENT = """
import os
from patcher import beside
beside._help = lambda *_: os._exit(0)
"""


@TWO_PROCESSORS
def test_with_a_second_processor_lief_has_a_process_of_its_own(board: Path) -> None:
    planned(board, *GOOD)
    done = process(*STEP, cwd=board, before="")
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
    assert read_values("out/one.elf", ["base_a"]) == {"base_a": 1}


@pytest.mark.parametrize("before", [ONE_PROCESSOR, pytest.param("", marks=TWO_PROCESSORS)])
def test_nothing_is_replaced_when_lief_disagrees_wherever_it_runs(board: Path, before: str) -> None:
    planned(board, *GOOD)
    done = process(*STEP, cwd=board, before=f"{before}{SHIFTED}")
    assert done.returncode == 1
    assert done.stderr == "at fault is the patcher, or what it runs on:\n" + "".join(
        f"{name}.elf: error[PATCH019]: LIEF and pyelftools find `{symbol}` in different places; link the file again\n"
        for name, symbol in (("one", "base_a"), ("two", "small"))
    )
    assert os.listdir(board / "out") == []


@TWO_PROCESSORS
def test_nothing_is_replaced_when_lief_does_not_answer(board: Path) -> None:
    planned(board, *GOOD)
    done = process(*STEP, cwd=board, before=SILENT)
    assert done.returncode == 1
    message = "LIEF's process ended without an answer; try again, and report it when it stays so"
    assert f"one.elf: error[PATCH019]: {message}\n" in done.stderr
    assert os.listdir(board / "out") == []


@pytest.mark.parametrize(
    "options",
    [
        ("--plan", "plan.json"),
        ("--plan", "plan.json", "--record", "r", "--faults", "f", "one.elf"),
        ("--record", "r", "one.elf", "base_a=1"),
    ],
)
def test_usage(board: Path, options: tuple[str, ...]) -> None:
    planned(board, *GOOD)
    assert process(*options, cwd=board).returncode == 2
    assert os.listdir(board / "out") == []


def test_options_may_stand_in_another_order(board: Path) -> None:
    planned(board, *GOOD)
    done = process("--record", "record.json", "--plan", "plan.json", "--faults", "faults.json", cwd=board)
    assert (done.returncode, done.stdout) == (0, "['click', 'lief']\n")
