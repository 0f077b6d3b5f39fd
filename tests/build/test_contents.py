"""Up to date means that contents are: whatever is put in an input's place, a build sees it; and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.build.contents import Contents, Entry
from sdfgen.build.stamps import is_settled, settle, stamp, trusting
from sdfgen.guest_files.initrd import Appended, with_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BOARD: Final = "qemu_virt_aarch64"
OLD_TIME_S: Final = 1_000_000_000
DESCRIPTION: Final = f"""\
include = ["more.toml"]
[system]
name = "watched"
boards = ["{BOARD}"]
[[guest]]
name = "linux"
kernel = "cur/Image"
initrd = "disk"
[[protection_domain]]
name = "alone"
program_image = "alone.elf"
"""


def image(filler: bytes) -> bytes:
    """A kernel image of one size, whatever is in it."""
    return (bytes(56) + b"ARMd" + bytes(4)).ljust(4096, filler)


def archive(filler: bytes) -> bytes:
    """An initial RAM disk of one size with one file."""
    return with_files(b"", [Appended("file", "file", filler)])


def put(path: Path, content: bytes) -> None:
    """Write a file that has one time, whatever is in it."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (OLD_TIME_S, OLD_TIME_S))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, filler in (("a", b"a"), ("b", b"b")):
        put(tmp_path / name / "Image", image(filler))
    (tmp_path / "cur").symlink_to("a")
    put(tmp_path / "disk", archive(b"1"))
    put(tmp_path / "more.toml", b"# more 1\n")
    put(tmp_path / "system.toml", DESCRIPTION.encode())
    return tmp_path


def build(folder: Path, *more: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in {"MICROKIT_SDK", "LIBVMM"}}
    command = [sys.executable, "-m", "sdfgen", "build", "system.toml", "--no-compile", *more]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def inputs(folder: Path) -> dict[str, str]:
    """Hashes of the inputs by name, as the manifest has them."""
    manifest = json.loads((folder / "build" / BOARD / "manifest.json").read_text())
    return {row["file"]: row["sha256"] for row in manifest["inputs"]}


def lead(folder: Path, name: str, link: str = "cur") -> None:
    (folder / link).unlink()
    (folder / link).symlink_to(name)


def put_in_place(name: str, content: bytes) -> Callable[[Path], None]:
    """Write into a file, of one size, and set its time back."""

    def change(folder: Path) -> None:
        assert len((folder / name).read_bytes()) == len(content)
        with (folder / name).open("r+b") as file:
            file.write(content)
        os.utime(folder / name, (OLD_TIME_S, OLD_TIME_S))

    return change


def put_another(name: str, content: bytes) -> Callable[[Path], None]:
    """Put another file in one's place, with its time."""

    def change(folder: Path) -> None:
        put(folder / "new", content)
        (folder / "new").replace(folder / name)

    return change


def own_board(folder: Path) -> None:
    from sdfgen.facts.data import data_path

    (folder / "boards").mkdir()
    shutil.copy(data_path("boards", f"{BOARD}.toml"), folder / "boards")


# What is changed, and the input that the manifest then has another hash of (None: only that something is built).
CHANGES: Final[dict[str, tuple[Callable[[Path], None], str | None]]] = {
    "a link leads elsewhere": (lambda folder: lead(folder, "b"), "cur/Image"),
    "a kernel is written over": (put_in_place("a/Image", image(b"c")), "cur/Image"),
    "another initrd in its place": (put_another("disk", archive(b"2")), "disk"),
    "an include is written over": (put_in_place("more.toml", b"# more 2\n"), "more.toml"),
    "the description is": (
        put_in_place("system.toml", DESCRIPTION.replace("watched", "matched").encode()),
        "system.toml",
    ),
    "a board file beside it appears": (own_board, f"boards/{BOARD}.toml"),
    "an output is gone": (lambda folder: (folder / "build" / BOARD / "dtb" / "linux.dtb").unlink(), None),
    "an output is edited": (put_another(f"build/{BOARD}/src/linux_vmm_table.c", b"int x;\n"), None),
    "something else is put among the outputs": (
        lambda folder: put(folder / "build" / BOARD / "src" / "x.c", b"x"),
        None,
    ),
    "a link of the outputs leads elsewhere": (lambda folder: lead(folder / "build" / BOARD, "/", "c"), None),
    "a mode is changed": (lambda folder: (folder / "build" / BOARD / "dtb" / "linux.dtb").chmod(0o600), None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_seen_whatever_the_clock_says(project: Path, name: str) -> None:
    change, told = CHANGES[name]
    build(project)
    assert "nothing has changed" in build(project)
    before = inputs(project)
    published = {path: path.read_bytes() for path in (project / "build" / BOARD).rglob("*") if path.is_file()}
    change(project)
    assert "nothing has changed" not in build(project)
    if told is not None and name != "a board file beside it appears":
        assert inputs(project)[told] != before[told]
    if "output" in name:
        assert {path for path in (project / "build" / BOARD).rglob("*") if path.is_file()} == published.keys()
        assert {path: path.read_bytes() for path in published} == published
    assert "nothing has changed" in build(project)


def test_a_program_image_that_appears_is_looked_at(project: Path) -> None:
    build(project)
    put(project / "alone.elf", b"\x7fELF")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        build(project)
    assert "error[SDF102]: program image 'alone.elf'" in failed.value.stderr


SAME: Final[dict[str, Callable[[Path], None]]] = {
    "touched": lambda folder: os.utime(folder / "system.toml"),
    "copied over itself": lambda folder: put_another("disk", (folder / "disk").read_bytes())(folder),
    "led to the same": lambda folder: lead(folder, shutil.copytree(folder / "a", folder / "c").name),
    "an output is touched": lambda folder: os.utime(folder / "build" / BOARD / "watched.system"),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_content_is_no_change(project: Path, name: str) -> None:
    build(project)
    SAME[name](project)
    assert "nothing has changed" in build(project)
    state = (project / "build" / ".state.json").stat().st_mtime_ns
    assert "nothing has changed" in build(project)
    assert (project / "build" / ".state.json").stat().st_mtime_ns == state, "what was hashed once is known by its stamp"


def test_another_folder_is_another_description(project: Path, tmp_path: Path) -> None:
    """One output folder, one relative name: the description is another one."""
    out = str(tmp_path / "out")
    build(project, "-o", out)
    other = tmp_path / "other"
    shutil.copytree(project, other, symlinks=True, ignore=shutil.ignore_patterns("out", "other"))
    (other / "system.toml").write_text(DESCRIPTION.replace("watched", "another"))
    assert "nothing has changed" not in build(other, "-o", out)
    assert (tmp_path / "out" / BOARD / "another.system").is_file()


@pytest.mark.parametrize("garbage", ["", "{", "[]", "{}", '{"key": 1, "uses_path": false}', "\0"])
def test_a_record_that_is_none_means_a_build(project: Path, garbage: str) -> None:
    build(project)
    (project / "build" / ".state.json").write_text(garbage)
    assert "nothing has changed" not in build(project)
    assert "nothing has changed" in build(project)


@pytest.mark.parametrize(
    ("changed_ns", "settled"),
    [(999_999_999, True), (1_000_000_001, False), (1_000_000_002, False), (0, True), (1_000_000_000, False)],
)
def test_a_stamp_tells_only_after_the_clock_moved_on(changed_ns: int, settled: bool) -> None:
    """A file system of whole seconds says so by zeroes, and needs one to pass."""
    assert is_settled([0, 0, 0, 0, 0, changed_ns], 1_000_000_001) is settled


def test_settling_ends_though_the_clock_was_set_back(tmp_path: Path) -> None:
    settle([[0, 0, 0, 0, 0, 2**62 + 1]])
    (tmp_path / "file").write_text("")
    found = stamp(str(tmp_path / "file"))
    settle([found])
    assert is_settled(found, found[5] + 1)


@pytest.mark.parametrize(("kind", "trusted"), [("ext4", True), ("vfat", False), ("nfs4", False), ("fuse.sshfs", False)])
def test_only_file_systems_with_change_times_are_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, trusted: bool
) -> None:
    mounts = tmp_path / "mounts"
    folder = str(tmp_path / "a b").replace(" ", "\\040")
    mounts.write_text(f"1 0 0:1 / / rw - ext4 x rw\n2 1 0:2 / {folder} rw shared:1 - {kind} x rw\n")
    monkeypatch.setattr("sdfgen.build.stamps._MOUNTS", str(mounts))
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "file").write_text("")
    path = str(tmp_path / "a b" / "file")
    assert trusting()(path, stamp(path)) is trusted


def test_what_changes_while_it_is_used_is_told(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    contents = Contents()
    contents.digest(str(path))
    assert contents.changed() == []
    path.write_text("two")
    os.utime(path, (OLD_TIME_S, OLD_TIME_S))
    assert contents.changed() == [str(path)]
    path.unlink()
    assert contents.changed() == [str(path)]


def test_what_is_known_is_hashed_again_only_when_it_can_have_changed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    found = stamp(str(path))
    known = {str(path): Entry(found, "remembered", trusted=True)}
    assert Contents(known).digest(str(path)) == "remembered"
    assert Contents({str(path): Entry(found, "remembered", trusted=False)}).digest(str(path)) != "remembered"
    os.utime(path)
    assert Contents(known).digest(str(path)) != "remembered"
