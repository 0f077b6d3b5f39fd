"""Guests' files: the driver's archive, the object that holds a guest, the device tree made of a board's own."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from hypothesis import given, settings
from hypothesis import strategies as st

from sdfgen.describe import describe
from sdfgen.emit.devicetree.overlay import overlay_blob
from sdfgen.emit.devicetree.tree import OVERLAID_ROOT, ROOT, Cells, Node, Property, blob, numbers, strings
from sdfgen.facts.data import data_path
from sdfgen.generate import generated_files
from sdfgen.guest_files.apply_overlay import TreeError, with_overlay
from sdfgen.guest_files.embed import IMAGES, guest_object
from sdfgen.guest_files.initrd import (
    APPENDED_BYTES,
    Appended,
    TooLargeError,
    empty,
    final_bytes,
    with_files,
)
from sdfgen.verify.elves import embedded
from sdfgen.verify.made import Made

if TYPE_CHECKING:
    from sdfgen.model.system import System

DRIVER_PATH, HOOK_PATH, DISK_PATH = "usr/bin/sdfgen-uio-block", "etc/sdfgen/start-driver", "etc/sdfgen/disk"
INIT_PATH = "etc/init.d/S95sdfgen-block"
HEADER_BYTES = 110
FIELD_CHARACTERS = 8


class Entry(NamedTuple):
    mode: int
    data: bytes


def entries(archives: bytes) -> dict[str, Entry]:
    """Read archives one after the other as the format's text has it: zeroes between them are skipped."""
    found, position = {}, 0
    while position < len(archives):
        if archives[position] == 0:
            position += 1
            continue
        assert position % 4 == 0, "Linux takes an archive only at a multiple of 4"
        header = archives[position : position + HEADER_BYTES]
        assert header.startswith(b"070701")
        fields = [int(header[at : at + FIELD_CHARACTERS], 16) for at in range(6, HEADER_BYTES, FIELD_CHARACTERS)]
        mode, size, name_bytes = fields[1], fields[6], fields[11]
        name = archives[position + HEADER_BYTES : position + HEADER_BYTES + name_bytes - 1].decode()
        start = -(-(position + HEADER_BYTES + name_bytes) // 4) * 4
        if name != "TRAILER!!!":
            assert os.path.dirname(name) in found or "/" not in name, "Linux makes no folders by itself"
            found[name] = Entry(mode, archives[start : start + size])
        position = -(-(start + size) // 4) * 4
    return found


def with_driver(base: bytes, driver: bytes, hook: bytes, disk: bytes) -> bytes:
    """What the build makes for a guest that drives a disk."""
    files = [
        Appended(DRIVER_PATH, "program", driver),
        Appended(HOOK_PATH, "program", hook),
        Appended(DISK_PATH, "file", disk),
        Appended(INIT_PATH, "link", f"/{HOOK_PATH}".encode()),
    ]
    return with_files(base, files)


def test_the_archive_has_driver_hook_and_disk() -> None:
    found = entries(with_driver(b"", b"\x7fELF driver", b"#!/bin/sh\n", b"/dev/vda\n"))
    assert found[DRIVER_PATH] == Entry(stat.S_IFREG | 0o755, b"\x7fELF driver")
    assert found[HOOK_PATH] == Entry(stat.S_IFREG | 0o755, b"#!/bin/sh\n")
    assert found[DISK_PATH] == Entry(stat.S_IFREG | 0o644, b"/dev/vda\n")
    assert found[INIT_PATH] == Entry(stat.S_IFLNK | 0o777, f"/{HOOK_PATH}".encode())
    folders = {name for name, entry in found.items() if stat.S_ISDIR(entry.mode)}
    assert folders == {"usr", "usr/bin", "etc", "etc/sdfgen", "etc/init.d"}


@settings(max_examples=50, deadline=None)
@given(base=st.binary(max_size=3000), driver=st.binary(max_size=5000))
def test_the_size_is_known_before_the_driver_is(base: bytes, driver: bytes) -> None:
    made = with_driver(base, driver, b"hook", b"disk")
    assert len(made) == final_bytes(len(base))
    assert made.startswith(base)
    assert entries(made[final_bytes(len(base)) - APPENDED_BYTES :])[DRIVER_PATH].data == driver


def test_a_driver_without_room_is_refused() -> None:
    with_driver(b"", bytes(APPENDED_BYTES - 4096), b"", b"")
    with pytest.raises(TooLargeError, match=f"{APPENDED_BYTES} at most"):
        with_driver(b"", bytes(APPENDED_BYTES), b"", b"")


def test_the_archive_is_one_that_cpio_takes(tmp_path: Path) -> None:
    if shutil.which("cpio") is None:
        pytest.skip("cpio is not installed")
    made = with_driver(b"", b"driver", b"hook", b"disk")
    subprocess.run(["cpio", "-idm", "--quiet"], input=made, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / DRIVER_PATH).read_bytes() == b"driver"
    assert os.access(tmp_path / HOOK_PATH, os.X_OK)
    assert (tmp_path / INIT_PATH).readlink().as_posix() == f"/{HOOK_PATH}"


HOOK_RUNS = [
    ("start", 0, "", "init scripts are not held up"),
    ("stop", 0, "", "there is nothing to stop before a shutdown"),
    ("", 0, "served {disk}\n", "the driver takes the script's place"),
]


@pytest.mark.parametrize(
    ("argument", "status", "said", "_why"), HOOK_RUNS, ids=[run[0] or "plain" for run in HOOK_RUNS]
)
def test_the_hook_starts_the_driver(tmp_path: Path, argument: str, status: int, said: str, _why: str) -> None:
    """Run with other paths than a guest's."""
    text = Path(data_path("templates", "guest", "start-driver")).read_text(encoding="utf-8")
    disk, uio, driver = tmp_path / "disk", tmp_path / "uio0", tmp_path / "driver"
    places = {"/etc/sdfgen": str(tmp_path / "etc"), "/usr/bin/sdfgen-uio-block": str(driver), "/dev/uio0": str(uio)}
    for guest, here in {**places, "/dev/console": str(tmp_path / "console")}.items():
        assert guest in text
        text = text.replace(guest, here)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "disk").write_text(f"{disk}\n")
    for path in (disk, uio, tmp_path / "hook", driver):
        path.write_text("#!/bin/sh\necho served $1\n")
        path.chmod(0o755)
    (tmp_path / "hook").write_text(text)
    command = [str(tmp_path / "hook"), *([argument] if argument else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout) == (status, said.format(disk=disk))


def hook(folder: Path, driver: str) -> Path:
    """The hook with other paths than a guest's, in front of a driver that is this script."""
    text = Path(data_path("templates", "guest", "start-driver")).read_text(encoding="utf-8")
    places = {"/etc/sdfgen": "etc", "/usr/bin/sdfgen-uio-block": "driver", "/dev/uio0": "uio0"}
    for guest, here in places.items():
        text = text.replace(guest, str(folder / here))
    (folder / "etc").mkdir()
    (folder / "etc" / "disk").write_text(f"{folder / 'disk'}\n")
    for name, content in {"disk": "", "uio0": "", "driver": driver, "hook": text}.items():
        (folder / name).write_text(content)
        (folder / name).chmod(0o755)
    return folder / "hook"


def test_the_hook_starts_a_driver_again_after_longer_and_longer(tmp_path: Path) -> None:
    count = tmp_path / "count"
    driver = f"#!/bin/sh\necho >>{count}\ncase $(wc -l <{count}) in 1) kill -9 $$ ;; 2) exit 9 ;; 3) exit 0 ;; esac\n"
    begun = time.monotonic()
    done = subprocess.run([hook(tmp_path, driver)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if line.startswith("start-driver")] == [
        "start-driver: the driver ended with 137, and starts again in 1 s",
        "start-driver: the driver ended with 9, and starts again in 2 s",
    ]
    assert time.monotonic() - begun >= 3


def test_who_ends_the_hook_ends_the_driver(tmp_path: Path) -> None:
    told = tmp_path / "told"
    driver = f'#!/bin/sh\ntrap "echo ended >{told}; exit 0" TERM\necho >{tmp_path / "begun"}\n'
    driver += "while :; do sleep 0.1; done\n"
    with subprocess.Popen([hook(tmp_path, driver)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not (tmp_path / "begun").exists():
            time.sleep(0.05)
        process.terminate()
        assert process.wait(30) == 0
    assert told.read_text() == "ended\n"


CONTENTS = {"kernel": b"K" * 5000, "dtb": b"D" * 100, "initrd": b""}


def address_of(elf: ELFFile, name: str) -> int:
    table = elf.get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)
    found = table.get_symbol_by_name(name)
    assert found is not None
    return int(found[0]["st_value"])


def between_symbols(elf: ELFFile) -> dict[str, bytes]:
    section = elf.get_section_by_name(".guest_images")
    assert section is not None
    found = {}
    for name in IMAGES:
        start, end = (address_of(elf, f"_guest_{name}_image{suffix}") for suffix in ("", "_end"))
        base = section["sh_addr"]
        found[name] = section.data()[start - base : end - base]
    return found


def test_the_object_has_each_file_between_its_symbols() -> None:
    elf = ELFFile(io.BytesIO(guest_object(CONTENTS)))
    assert (elf["e_machine"], elf["e_type"]) == ("EM_AARCH64", "ET_REL")
    assert between_symbols(elf) == CONTENTS


def test_a_linker_keeps_the_files_whole_and_read_only(tmp_path: Path) -> None:
    (tmp_path / "guest.o").write_bytes(guest_object(CONTENTS))
    command = [sys.executable, "-m", "ziglang", "ld.lld", "guest.o", "--entry=0", "-o", "out.elf"]
    subprocess.run(command, cwd=tmp_path, check=True)
    with (tmp_path / "out.elf").open("rb") as file:
        elf = ELFFile(file)
        assert between_symbols(elf) == CONTENTS
        (loaded,) = elf.iter_segments("PT_LOAD")
        assert loaded["p_flags"] == 4, "readable, nothing else"
        assert address_of(elf, "_guest_kernel_image") % 4096 == 0


BASE = Node(
    ROOT,
    (strings("model", "a board"), numbers("#address-cells", 2)),
    (
        Node("clock", (strings("compatible", "fixed-clock"),), label="clock"),
        Node("memory@0", (Property("reg", (Cells((0, 0, 0, 0x100)),)),)),
        Node("user", (Property("clocks", (Cells(("clock",)),)),), (Node("inner", (strings("status", "okay"),)),)),
    ),
)
OVERLAY = Node(
    OVERLAID_ROOT,
    (),
    (
        Node("memory@0", (Property("reg", (Cells((0, 0x2000, 0, 0x80)),)),)),
        Node("user", (), (Node("inner", (strings("status", "disabled"),)),)),
        Node("new-clock", (strings("compatible", "fixed-clock"),), label="new"),
        Node("console", (strings("name-of-it", "x"), Property("clocks", ("text", Cells((7, "new", "new")))))),
    ),
)


def sorted_text(tree: bytes) -> str:
    done = subprocess.run(["dtc", "-q", "-s", "-I", "dtb", "-O", "dts"], input=tree, check=True, capture_output=True)
    return done.stdout.decode()


def test_an_overlay_is_applied_as_libfdt_does(tmp_path: Path) -> None:
    if shutil.which("fdtoverlay") is None or shutil.which("dtc") is None:
        pytest.skip("fdtoverlay and dtc (device-tree-compiler) are not installed")
    base, overlay = tmp_path / "base.dtb", tmp_path / "more.dtbo"
    base.write_bytes(blob(BASE))
    overlay.write_bytes(overlay_blob(OVERLAY))
    judge = tmp_path / "judge.dtb"
    subprocess.run(["fdtoverlay", "-i", base, "-o", judge, overlay], check=True, capture_output=True)
    made = with_overlay(base.read_bytes(), overlay.read_bytes())
    assert sorted_text(made) == sorted_text(judge.read_bytes())
    assert "clocks = [74 65 78 74 00 00 00 00 07 00 00 00 02 00 00 00 02]" in sorted_text(made)


@pytest.mark.parametrize("base", [b"", b"no tree", blob(BASE)[:60]], ids=["empty", "text", "cut"])
def test_a_base_that_is_no_tree_is_told(base: bytes) -> None:
    with pytest.raises(TreeError, match="the base tree cannot be read"):
        with_overlay(base, overlay_blob(OVERLAY))


def step(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sdfgen.guest_files.steps", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_a_step_that_fails_leaves_the_last_output(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("before")
    done = step("object", "out", "missing", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("sdfgen: out: ")
    assert (tmp_path / "out").read_text() == "before"


def test_steps_give_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("driver", "hook", "disk", "base"):
        (tmp_path / name).write_text(name)
    for output in ("one", "two"):
        words = ("program:d", "program:h", "file:disk", "--", "driver", "hook", "disk", "base")
        assert step("initrd", output, *words, cwd=tmp_path).returncode == 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert entries((tmp_path / "one").read_bytes()[512:])["disk"].data == b"disk"


DESCRIBED = """\
[system]
name = "guests"
boards = ["qemu_virt_aarch64"]
[[guest]]
name = "one"
ram = "{ram}"
kernel = "kernel"
initrd = "initrd"
"""
INITRD_BYTES = 1000
KERNEL = bytes(56) + b"ARMd" + bytes(4)


def board_folder(folder: Path, ram: str) -> tuple[System, dict[str, bytes]]:
    """A description, the files that were made of it, and what its guest's VMM is linked with."""
    (folder / "initrd").write_bytes(bytes(INITRD_BYTES))
    (folder / "kernel").write_bytes(KERNEL)
    (folder / "system.toml").write_text(DESCRIBED.format(ram=ram))
    system = describe(str(folder / "system.toml")).systems["qemu_virt_aarch64"]
    tree = generated_files(system)["dtb/one.dtb"]
    for name in ("dtb", "elf"):
        (folder / "build" / name).mkdir(parents=True, exist_ok=True)
    (folder / "build" / "dtb" / "one.dtb").write_bytes(tree)
    return system, {"kernel": KERNEL, "dtb": tree, "initrd": bytes(INITRD_BYTES)}


def link_vmm(folder: Path, files: dict[str, bytes]) -> None:
    (folder / "guest.o").write_bytes(guest_object(files))
    command = [sys.executable, "-m", "ziglang", "ld.lld", "guest.o", "--entry=0", "-o", "build/elf/one_vmm.elf"]
    subprocess.run(command, cwd=folder, check=True)


INSIDE = "of guest `one`"
CHANGED: list[tuple[dict[str, bytes], str, list[str]]] = [
    ({}, "128 MiB", []),
    ({"kernel": KERNEL + b"2"}, "128 MiB", [f"65 bytes are in it, not the 64 bytes of the kernel {INSIDE}"]),
    ({"kernel": KERNEL[:-1] + b"2"}, "128 MiB", [f"what is in it differs from byte 0x3f on from the kernel {INSIDE}"]),
    (
        {"initrd": bytes(INITRD_BYTES + 1)},
        "128 MiB",
        [f"1001 bytes are in it, not the 1000 bytes of the initial RAM disk {INSIDE}"],
    ),
    ({"initrd": b""}, "128 MiB", [f"0 bytes are in it, not the 1000 bytes of the initial RAM disk {INSIDE}"]),
    ({}, "64 MiB", [f"what is in it differs from byte 0x10c on from the device tree {INSIDE}"]),
]


@pytest.mark.parametrize(
    ("changes", "ram", "wrong"),
    CHANGED,
    ids=["as decided", "longer kernel", "other kernel", "longer disk", "no disk", "other tree"],
)
def test_a_linked_guest_is_held_against_its_files(
    tmp_path: Path, changes: dict[str, bytes], ram: str, wrong: list[str]
) -> None:
    _, files = board_folder(tmp_path, ram)
    system, _ = board_folder(tmp_path, "128 MiB")
    link_vmm(tmp_path, files | changes)
    found = list(embedded(system, Made(str(tmp_path / "build")), system.guest("one")))
    assert [fault.message for fault in found] == [f"elf/one_vmm.elf: {words}" for words in wrong]
    assert {fault.code for fault in found} <= {"SDF155"}


def test_a_program_that_is_no_elf_is_told(tmp_path: Path) -> None:
    system, _ = board_folder(tmp_path, "128 MiB")
    (tmp_path / "build" / "elf" / "one_vmm.elf").write_bytes(b"no ELF")
    (fault,) = embedded(system, Made(str(tmp_path / "build")), system.guest("one"))
    assert (fault.code, fault.message) == ("SDF150", "elf/one_vmm.elf cannot be read: Magic number does not match")


# What is linked beside kernel and tree, and its content.
WITHOUT_DISK = [([], None), (["initrd"], b"")]


@pytest.mark.parametrize(("inputs", "content"), WITHOUT_DISK, ids=["none", "an empty file"])
def test_a_guest_without_a_disk_is_linked_with_an_archive_of_nothing(
    tmp_path: Path, inputs: list[str], content: bytes | None
) -> None:
    text = DESCRIBED.format(ram="32 MiB").replace('initrd = "initrd"\n', "")
    if content is not None:
        (tmp_path / "initrd").write_bytes(content)
        text += 'initrd = "initrd"\n'
    kernel = bytes(56) + b"ARMd" + bytes(4)
    (tmp_path / "kernel").write_bytes(kernel)
    (tmp_path / "system.toml").write_text(text)
    system = describe(str(tmp_path / "system.toml")).systems["qemu_virt_aarch64"]
    guest = system.guest("one")
    tree = generated_files(system)["dtb/one.dtb"]
    assert b"linux,initrd" not in tree, "Linux is told of none"
    (tmp_path / "tree").write_bytes(tree)
    assert step("object", "guest.o", "kernel", "tree", *inputs, cwd=tmp_path).returncode == 0
    linked = between_symbols(ELFFile(io.BytesIO((tmp_path / "guest.o").read_bytes())))
    assert linked == {"kernel": kernel, "dtb": tree, "initrd": empty()}
    assert guest.dtb_gpa + len(tree) <= guest.initrd_gpa <= guest.ram_gpa + guest.ram_bytes - len(linked["initrd"])
    command = [sys.executable, "-m", "ziglang", "ld.lld", "guest.o", "--entry=0", "-o", "vmm.elf"]
    subprocess.run(command, cwd=tmp_path, check=True)
    for folder in ("dtb", "elf"):
        (tmp_path / folder).mkdir()
    shutil.move(tmp_path / "tree", tmp_path / "dtb" / "one.dtb")
    shutil.move(tmp_path / "vmm.elf", tmp_path / "elf" / "one_vmm.elf")
    assert list(embedded(system, Made(str(tmp_path)), guest)) == []


def test_the_archive_of_nothing_is_one(tmp_path: Path) -> None:
    assert (len(empty()), entries(empty())) == (512, {})
    if shutil.which("cpio") is None:
        pytest.skip("cpio is not installed")
    done = subprocess.run(["cpio", "-it"], input=empty(), cwd=tmp_path, check=True, capture_output=True)
    assert (done.stdout, done.stderr) == (b"", b"1 block\n")
