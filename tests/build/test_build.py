"""What `sdfgen build` promises of its output folder."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sdfgen.commands.build import _unwritable
from sdfgen.guest_files.initrd import empty
from tests.paths import EXAMPLE, FOUR_CORES

BOARDS = ("qemu_virt_aarch64", "odroidc4")
MICROKIT = {"MICROKIT_SDK", "LIBVMM"}


def run(*arguments: str, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in MICROKIT}
    command = [sys.executable, "-m", "sdfgen", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=check)


def contents(folder: Path) -> dict[str, bytes]:
    """Published files only: working folders start with a dot."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for board in sorted(folder.iterdir())
        if not board.name.startswith(".")
        for path in sorted(board.rglob("*"))
        if path.is_file()
    }


def times(folder: Path) -> dict[str, int]:
    return {name: (folder / name).stat().st_mtime_ns for name in contents(folder)}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(EXAMPLE, tmp_path / "system.toml")
    return tmp_path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, compiled and patched once for all tests that only look."""
    folder = tmp_path_factory.mktemp("built")
    shutil.copy(EXAMPLE, folder / "system.toml")
    run("build", "system.toml", cwd=folder)
    return folder / "build"


def test_what_runs_on_which_core_is_said_and_in_the_manifest(tmp_path: Path) -> None:
    shutil.copy(FOUR_CORES, tmp_path / "system.toml")
    words = ("build", "system.toml", "--no-compile", "--board", BOARDS[0])
    said = [" ".join(line.split()) for line in run(*words, cwd=tmp_path).stdout.splitlines()]
    assert [line for line in said if line.startswith("core ")] == [
        "core 0: block_virt, guest_timer",
        "core 1: storage",
        "core 2: compute_vmm, compute (vCPU 0)",
        "core 3: compute (vCPU 1), control",
    ]
    assert "core 1: " in run(*words, cwd=tmp_path).stdout, "nothing has changed, and it is said again"
    assert run(*words, "-q", cwd=tmp_path).stdout == ""
    manifest = json.loads((tmp_path / "build" / BOARDS[0] / "manifest.json").read_text())
    records = {(row.get("pd") or row["vm"], row.get("vcpu")): (row["core"], row["why"]) for row in manifest["cores"]}
    assert records == {
        ("block_virt", None): (0, "serves others"),
        ("compute_vmm", None): (2, "with its guest's first virtual CPU"),
        ("compute", 0): (2, "the least loaded of the guests' cores"),
        ("compute", 1): (3, "the least loaded of the guests' cores"),
        ("control_vmm", None): (3, "description"),
        ("control", 0): (3, "description"),
        ("storage_vmm", None): (1, "with its guest's first virtual CPU"),
        ("storage", 0): (1, "drives hardware for others"),
        ("guest_timer", None): (0, "serves others"),
    }
    run(*words, "--set", "system.config=debug", "--set", "guest.control.core=0", cwd=tmp_path)
    assert json.loads((tmp_path / "build" / BOARDS[0] / "manifest.json").read_text())["cores"] == []


def test_each_board_has_a_folder_with_the_promised_files(built: Path) -> None:
    for board in BOARDS:
        names = {name.removeprefix(f"{board}/") for name in contents(built) if name.startswith(board)}
        assert {
            "two-clients.system",
            "two-clients.d",
            "build.ninja",
            "manifest.json",
            "elf/block_uio_driver.elf",
            "src/block_uio_table.c",
            "src/block_virt_table.c",
            "src/client1_vmm_table.c",
            "dts/storage.overlay.dts",
            "dtb/client1.dtb",
        } <= names


def test_manifest_has_the_hash_of_every_other_output(built: Path) -> None:
    for board in BOARDS:
        manifest = json.loads((built / board / "manifest.json").read_text())
        listed = {entry["file"]: entry["sha256"] for entry in manifest["outputs"]}
        actual = {
            name.removeprefix(f"{board}/"): hashlib.sha256(data).hexdigest()
            for name, data in contents(built).items()
            if name.startswith(board) and not name.endswith("manifest.json")
        }
        assert listed == actual


def test_manifest_says_where_each_address_comes_from(built: Path) -> None:
    manifest = json.loads((built / BOARDS[0] / "manifest.json").read_text())
    data = next(region for region in manifest["regions"] if region["name"] == "block_client1_0_data")
    assert data["why"] == "first fit in window `guest` of the board"
    assert data["from"] == "system.toml: guest[1].disk[0]"
    assert all(record["why"] for record in (*manifest["regions"], *manifest["maps"]))


def test_manifest_has_the_patched_bytes(built: Path) -> None:
    board = built / BOARDS[0]
    manifest = json.loads((board / "manifest.json").read_text())
    elf = (board / "elf" / "block_uio_driver.elf").read_bytes()
    done = [patch for patch in manifest["patches"] if patch["state"] == "done"]
    assert [patch["symbol"] for patch in done] == [
        "io_base_virt_data",
        "io_base_client1_0_data",
        "io_base_client2_0_data",
    ]
    for patch in done:
        offset = int(patch["file_offset"], 0)
        assert elf[offset : offset + 8] == int(patch["value"], 0).to_bytes(8, "little")


# The description's way to the file, and the output folder: `link` leads two folders down.
PLACES = [("base.cpio", "build"), ("{project}/base.cpio", "elsewhere/out"), ("base.cpio", "link/out")]


@pytest.mark.parametrize(("initrd", "out"), PLACES, ids=["beside", "absolute", "behind a link"])
def test_the_drivers_initrd_carries_the_patched_driver(project: Path, initrd: str, out: str) -> None:
    (project / "base.cpio").write_bytes(empty())
    (project / "two" / "down").mkdir(parents=True)
    (project / "link").symlink_to("two/down")
    setting = f'guest.storage.initrd="{initrd.format(project=project)}"'
    run("build", "system.toml", "--set", setting, "--board", BOARDS[0], "-o", out, cwd=project)
    folder = project / out / BOARDS[0]
    made = (folder / "guest" / "storage.initrd").read_bytes()
    assert made.startswith(empty())
    assert (folder / "elf" / "block_uio_driver.elf").read_bytes() in made
    assert b"/dev/vda\n" in made
    assert f"/* {len(made)} bytes */" in (folder / "dts" / "storage.dts").read_text()


def test_what_is_not_made_says_what_it_waits_for(project: Path) -> None:
    said = run("build", "system.toml", "--board", BOARDS[0], cwd=project).stdout
    images = "block_virt.elf, client1_vmm.elf, client2_vmm.elf, …"
    assert f"waiting: 5 program images ({images}) wait for MICROKIT_SDK and LIBVMM" in said


def test_driver_is_small_and_executable(built: Path) -> None:
    elf = built / BOARDS[0] / "elf" / "block_uio_driver.elf"
    assert elf.stat().st_size < 300 * 1024
    assert os.access(elf, os.X_OK)


def test_another_folder_gives_the_same_bytes(built: Path, project: Path) -> None:
    run("build", str(project / "system.toml"), cwd=Path("/"))
    assert contents(project / "build") == contents(built)


def test_order_of_tables_does_not_matter(project: Path) -> None:
    run("build", "system.toml", "--no-compile", cwd=project)
    text = (project / "system.toml").read_text()
    head, storage, first, second = text.split("[[guest]]\n")
    second, rest = second.split("[block]\n")
    tables = (head, "[[guest]]\n", second, "[[guest]]\n", first, "[[guest]]\n", storage, "[block]\n", rest)
    (project / "system.toml").write_text("".join(tables))
    before = contents(project / "build")
    run("build", "system.toml", "--no-compile", cwd=project)
    after = contents(project / "build")
    changed = {name for name in before if before[name] != after[name]}
    assert {Path(name).name for name in changed} <= {"manifest.json"}, "only the places in the description may differ"


def test_nothing_changed_touches_nothing(project: Path) -> None:
    run("build", "system.toml", "--no-compile", cwd=project)
    before = times(project / "build")
    assert "nothing has changed" in run("build", "system.toml", "--no-compile", cwd=project).stdout
    os.utime(project / "system.toml")
    assert "nothing has changed" in run("build", "system.toml", "--no-compile", cwd=project).stdout
    with (project / "system.toml").open("a") as file:
        file.write("# a remark\n")
    assert "nothing has changed" not in run("build", "system.toml", "--no-compile", cwd=project).stdout
    told = {f"{board}/{name}" for board in BOARDS for name in ("manifest.json", "two-clients.stamp")}
    assert {name for name, time_ns in times(project / "build").items() if time_ns != before[name]} == told


def test_unchanged_files_keep_their_times(project: Path) -> None:
    run("build", "system.toml", "--no-compile", cwd=project)
    before = times(project / "build")
    run("build", "system.toml", "--no-compile", "--set", "guest.client1.disk.0.queue_capacity=512", cwd=project)
    after = times(project / "build")
    assert after[f"{BOARDS[0]}/src/block_uio_table.c"] == before[f"{BOARDS[0]}/src/block_uio_table.c"]
    assert after[f"{BOARDS[0]}/src/client1_vmm_table.c"] != before[f"{BOARDS[0]}/src/client1_vmm_table.c"]


def test_a_removed_client_leaves_no_files_behind(project: Path) -> None:
    run("build", "system.toml", "--no-compile", cwd=project)
    text = (project / "system.toml").read_text()
    start, end = text.index('[[guest]]\nname = "client1"'), text.index('[[guest]]\nname = "client2"')
    (project / "system.toml").write_text(text[:start] + text[end:])
    run("build", "system.toml", "--no-compile", cwd=project)
    assert not [name for name in contents(project / "build") if "client1" in name]


def test_errors_leave_the_last_output(project: Path) -> None:
    run("build", "system.toml", "--no-compile", cwd=project)
    before = contents(project / "build")
    failed = run("build", "system.toml", "--set", "guest.storage.ram=5", cwd=project, check=False)
    assert failed.returncode == 1
    assert "error[" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert contents(project / "build") == before


def test_a_failed_compiler_leaves_the_last_output(project: Path) -> None:
    run("build", "system.toml", "--no-compile", cwd=project)
    before = contents(project / "build")
    failed = run("build", "system.toml", "--set", "toolchain.cc=no-such-compiler-", cwd=project, check=False)
    assert failed.returncode == 1
    assert "no-such-compiler-gcc" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert contents(project / "build") == before


def test_a_killed_build_leaves_the_last_output(project: Path) -> None:
    run("build", "system.toml", "--no-compile", cwd=project)
    before = contents(project / "build")
    for delay_seconds in (0.02, 0.04, 0.06, 0.08, 0.1):
        command = [
            sys.executable,
            "-m",
            "sdfgen",
            "build",
            "system.toml",
            "--set",
            f"system.name=x{delay_seconds!s:.0}y",
        ]
        with subprocess.Popen(command, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(delay_seconds)
            process.send_signal(signal.SIGKILL)
        assert contents(project / "build") == before
    shutil.rmtree(project / "build" / BOARDS[0])
    run("build", "system.toml", "--no-compile", cwd=project)
    assert contents(project / "build") == before


def test_an_output_folder_that_cannot_be_made_is_told(project: Path) -> None:
    (project / "file").write_text("")
    failed = run("build", "system.toml", "-o", "file/build", cwd=project, check=False)
    assert failed.returncode == 1
    assert failed.stderr.startswith("file/build:1:1: error[SDF164]: file/build: Not a directory\n")
    failed = run("build", "system.toml", "-o", "file/build", "--format", "json", cwd=project, check=False)
    assert (failed.returncode, failed.stderr) == (1, "")
    assert [record["code"] for record in json.loads(failed.stdout)["faults"]] == ["SDF164"]


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EEXIST, "a file is where a folder should be: name another folder with -o"),
        (errno.ENOTDIR, "a file is where a folder should be: name another folder with -o"),
        (errno.ENOSPC, "make room there, or name another folder with -o"),
        (errno.EACCES, "it can't be written to: name another folder with -o"),
        (errno.EROFS, "it can't be written to: name another folder with -o"),
        (errno.EMLINK, "name another folder with -o"),
    ],
)
def test_what_to_do_about_an_output_that_cannot_be_written(number: int, advice: str) -> None:
    """Named is what was to be made, not what it was to be a link of."""
    fault = _unwritable(OSError(number, "no way", "templates/c/pd", None, "out/c/pd"), "out")
    said = ("out/c/pd: no way", f"{advice}; what was published before is as it was")
    assert (fault.message, fault.advice) == said
    assert _unwritable(OSError(number, "no way"), "out").message == "out: no way"


def test_warnings_are_told_when_the_output_cannot_be_written(project: Path) -> None:
    text = (project / "system.toml").read_text()
    (project / "system.toml").write_text(text + '[[memory_region]]\nname = "unused"\nsize = 0x1000\n')
    (project / "build").mkdir()
    (project / "build" / f".{BOARDS[0]}").write_text("a file where a folder has to be")
    failed = run("build", "system.toml", "--no-compile", "--format", "json", cwd=project, check=False)
    assert failed.returncode == 1
    assert sorted(record["code"] for record in json.loads(failed.stdout)["faults"]) == ["SDF045", "SDF164", "SDF179"]
    assert failed.stderr == ""


def test_depfile_names_description_and_includes(project: Path) -> None:
    (project / "more.toml").write_text('[[memory_region]]\nname = "extra"\nsize = 0x1000\n')
    text = (project / "system.toml").read_text()
    (project / "system.toml").write_text('include = ["more.toml"]\n' + text)
    run("build", "system.toml", "--no-compile", "--depfile", "all.d", cwd=project)
    inside = (project / "build" / BOARDS[0] / "two-clients.d").read_text()
    assert inside.splitlines()[0] == f"build/{BOARDS[0]}/two-clients.stamp: more.toml system.toml"
    assert "more.toml:" in (project / "all.d").read_text().splitlines()


def test_make_rebuilds_when_an_include_changes(project: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    (project / "more.toml").write_text('[[memory_region]]\nname = "extra"\nsize = 0x1000\n')
    text = (project / "system.toml").read_text()
    (project / "system.toml").write_text('include = ["more.toml"]\n' + text)
    target = f"build/{BOARDS[0]}/two-clients.stamp"
    (project / "Makefile").write_text(
        f"{target}: system.toml\n\t{sys.executable} -m sdfgen build $< --no-compile\n\n-include build/*/two-clients.d\n"
    )
    subprocess.run(["make", target], cwd=project, check=True, capture_output=True)
    assert subprocess.run(["make", "-q", target], cwd=project, check=False).returncode == 0
    later = time.time() + 10
    os.utime(project / "more.toml", (later, later))
    assert subprocess.run(["make", "-q", target], cwd=project, check=False).returncode == 1
    subprocess.run(["make", target], cwd=project, check=True, capture_output=True)
    assert subprocess.run(["make", "-q", target], cwd=project, check=False).returncode == 0


def test_raw_patches_reach_an_elf_beside_the_description(project: Path, built: Path) -> None:
    """The unpatched driver stands in for an ELF that the user brings."""
    shutil.copy(built / f".{BOARDS[0]}" / "obj" / "block_uio_driver.elf", project / "mine.elf")
    text = (project / "system.toml").read_text()
    patch = '[[patch]]\nelf = "mine.elf"\nsymbol = "io_base_virt_data"\nvalue = "size(\'block_virt_data\') << 4"\n'
    (project / "system.toml").write_text(text + patch)
    run("build", "system.toml", "--board", BOARDS[0], cwd=project)
    manifest = json.loads((project / "build" / BOARDS[0] / "manifest.json").read_text())
    (done,) = [record for record in manifest["patches"] if record["elf"] == "mine.elf"]
    assert (done["value"], done["new"], done["state"]) == ("0x2000000", "0x0000000002000000", "done")
    assert (project / "mine.elf").read_bytes() == (
        built / f".{BOARDS[0]}" / "obj" / "block_uio_driver.elf"
    ).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "loads"),
    [
        (["build", "system.toml", "--no-compile"], set()),
        (["check", "system.toml", "--board", BOARDS[0]], set()),
        (["schema", "--format", "markdown"], {"click", "jinja2"}),
        (["show", "system.toml"], {"tree_sitter"}),
        (["why", "79"], {"tree_sitter"}),
        (["diff", "system.toml", "system.toml"], {"tree_sitter"}),
    ],
    ids=["build", "check", "schema", "show", "why", "diff"],
)
def test_no_command_pays_for_what_it_does_not_use(project: Path, arguments: list[str], loads: set[str]) -> None:
    program = (
        "import sys; from sdfgen.start import main; sys.argv[1:] = sys.argv[1:]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(sorted({'lief', 'elftools', 'jinja2', 'click', 'lxml', 'tree_sitter'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=project, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == str(sorted(loads))


def test_a_finished_patch_does_not_load_lief(built: Path) -> None:
    elf = built / BOARDS[0] / "elf" / "block_uio_driver.elf"
    program = (
        "import sys; from patcher import PatchRequest, patch_file, read_values\n"
        f"path = {str(elf)!r}\n"
        "value = read_values(path, ['io_base_virt_data'])['io_base_virt_data']\n"
        "patch_file(path, path, [PatchRequest('io_base_virt_data', value)])\n"
        "print('lief' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
