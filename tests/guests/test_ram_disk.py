"""Initial RAM disks: what Linux unpacks is good, what it does not is told, by files that the real tools make.

The judge of what Linux unpacks is its own documentation and sources; each row says which.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import struct
import subprocess
import tarfile
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdfgen.describe import describe
from sdfgen.guest_files.initrd import APPENDED_BYTES, Appended, empty, final_bytes, with_files
from sdfgen.guests.ram_disk import MOST_READ_BYTES, ram_disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sdfgen.faults.fault import Fault
    from sdfgen.model.guest import RamDisk

FILE = [Appended("etc/motd", "file", b"hello\n")]
NEWC = with_files(b"", FILE)[:1024]
ODD = b"070701" + b"0" * 104


def run(*command: str, stdin: bytes) -> bytes:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, input=stdin, capture_output=True, check=True).stdout


def cpio(form: str, folder: Path) -> bytes:
    """An archive of one file, as GNU cpio makes it."""
    if shutil.which("cpio") is None:
        pytest.skip("cpio is not installed")
    (folder / "motd").write_bytes(b"hello\n" * 100)
    command = ["cpio", "-o", "--quiet", "-H", form]
    return subprocess.run(command, input=b"motd\n", cwd=folder, capture_output=True, check=True).stdout


def tar() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        info = tarfile.TarInfo("motd")
        archive.addfile(info)
    return data.getvalue()


def ext4(folder: Path) -> bytes:
    if shutil.which("mke2fs") is None:
        pytest.skip("mke2fs is not installed")
    path = folder / "image"
    path.write_bytes(bytes(2**20))
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", str(path)], check=True, capture_output=True)
    return path.read_bytes()


def looked_at(folder: Path, data: bytes) -> RamDisk:
    path = folder / "initrd"
    path.write_bytes(data)
    return ram_disk(str(path), len(data))


GOOD: dict[str, Callable[[Path], bytes]] = {
    "newc": lambda folder: cpio("newc", folder),
    "two": lambda folder: cpio("newc", folder) + cpio("newc", folder),
    "zeroes before": lambda _: bytes(512) + NEWC,
    "zeroes between and behind": lambda _: NEWC + bytes(100_000) + NEWC + bytes(7),
    "without a trailer": lambda folder: cpio("newc", folder).split(b"07070100000000")[0],
    "without its last padding": lambda _: NEWC.rstrip(b"\0") + b"\0",
    "gzip": lambda folder: run("gzip", "-9c", stdin=cpio("newc", folder)),
    "gzip of zeroes first": lambda _: gzip.compress(NEWC),
    "archive, then gzip": lambda _: NEWC + gzip.compress(NEWC),
    "gzip at an odd place": lambda _: bytes(3) + gzip.compress(NEWC),
    "bzip2": lambda folder: run("bzip2", "-c", stdin=cpio("newc", folder)),
    "bzip2 of whole blocks": lambda _: bz2.compress(NEWC + os.urandom(2_000_000)),
    "xz": lambda folder: run("xz", "--check=crc32", "-c", stdin=cpio("newc", folder)),
    "xz without checks": lambda _: run("xz", "--check=none", "-c", stdin=NEWC),
    "xz -9": lambda _: run("xz", "-9e", "--check=crc32", "-c", stdin=NEWC),
    "lzma": lambda folder: run("xz", "--format=lzma", "-c", stdin=cpio("newc", folder)),
    "lz4": lambda folder: run("lz4", "-lc", stdin=cpio("newc", folder)),
    "zstd": lambda folder: run("zstd", "-19", "-c", stdin=cpio("newc", folder)),
    "zstd from a pipe, the largest window": lambda _: run("zstd", "--long=27", "-c", stdin=NEWC),
    "lzo": lambda _: b"\x89LZO\0\r\n\x1a\n" + bytes(64),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_linux_unpacks_is_good(tmp_path: Path, name: str) -> None:
    disk = looked_at(tmp_path, GOOD[name](tmp_path))
    assert (disk.wrong, disk.is_empty) == ("", False)


CUT = with_files(b"", [Appended("a", "file", bytes(2000))])
GZIPPED = "it is compressed by gzip, and"
UNKNOWN = "it is of no known kind and starts with"
# What a file is made of, and what is said of it.
WRONG: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "tar": (lambda _: tar(), "it is a tar archive"),
    "tar.gz": (lambda _: run("gzip", "-c", stdin=tar()), f"{GZIPPED} inside is what is a tar archive"),
    "uInitrd": (lambda _: b"\x27\x05\x19\x56" + bytes(60) + NEWC, "it is a U-Boot uImage"),
    "odc": (lambda folder: cpio("odc", folder), "it is a cpio archive of the kind odc"),
    "odc.gz": (
        lambda folder: gzip.compress(cpio("odc", folder)),
        f"{GZIPPED} inside is what is a cpio archive of the kind odc",
    ),
    "bin": (lambda folder: cpio("bin", folder), "it is a cpio archive of the old binary kind"),
    "xz, CRC64": (
        lambda _: run("xz", "-c", stdin=NEWC),
        "it is compressed by xz with checks of CRC64, and Linux's decoder has CRC32 only",
    ),
    "xz, SHA-256": (
        lambda _: run("xz", "--check=sha256", "-c", stdin=NEWC),
        "it is compressed by xz with checks of SHA-256, and Linux's decoder has CRC32 only",
    ),
    "xz of tar": (
        lambda _: lzma.compress(tar(), check=lzma.CHECK_CRC32),
        "it is compressed by xz, and inside is what is a tar archive",
    ),
    "lzma of tar": (
        lambda _: lzma.compress(tar(), lzma.FORMAT_ALONE),
        "it is compressed by lzma, and inside is what is a tar archive",
    ),
    "bzip2 of tar": (lambda _: bz2.compress(tar()), "it is compressed by bzip2, and inside is what is a tar archive"),
    "lz4, new frames": (lambda _: run("lz4", "-c", stdin=NEWC), "it is compressed by lz4 in its new frames"),
    "zstd, a window too large": (
        lambda _: run("zstd", "--ultra", "-22", "--long=28", "-c", stdin=NEWC),
        "it is compressed by zstd with a window of 256 MiB, and Linux has 128 MiB for it",
    ),
    "script": (lambda _: b"#!/bin/sh\n", "it is a script"),
    "ELF": (lambda _: b"\x7fELF" + bytes(60), "it is an ELF such as vmlinux"),
    "kernel": (lambda _: bytes(7) + b"\1" + bytes(48) + b"ARMd" + bytes(64), "it is an arm64 Image"),
    "ext4.gz": (
        lambda folder: gzip.compress(ext4(folder)),
        f"{GZIPPED} inside is what is an ext2, ext3 or ext4 file system",
    ),
    "squashfs": (lambda _: b"hsqs" + bytes(92), "it is a squashfs file system"),
    "device tree": (lambda _: b"\xd0\x0d\xfe\xed" + bytes(36), "it is a device tree or a FIT image"),
    "text": (lambda _: b"hello, world", f"{UNKNOWN} 68 65 6c 6c 6f 2c 20 77"),
    "gzip of text": (
        lambda _: gzip.compress(b"hello, world"),
        f"{GZIPPED} inside is what is of no known kind and starts with 68 65 6c 6c 6f 2c 20 77",
    ),
    "gzip of gzip": (lambda _: gzip.compress(gzip.compress(NEWC)), f"{GZIPPED} inside is what is compressed by gzip"),
    "gzip of nothing": (lambda _: gzip.compress(b""), f"{GZIPPED} nothing is inside"),
    "gzip, cut off": (lambda _: gzip.compress(NEWC)[:18], f"{GZIPPED} it is cut off or damaged"),
    "gzip, cut by a byte": (lambda _: gzip.compress(NEWC)[:-1], f"{GZIPPED} it is cut off or damaged"),
    "gzip, damaged": (lambda _: gzip.compress(NEWC)[:10] + b"\xff" * 99, f"{GZIPPED} it is cut off or damaged"),
    "gzip, large and damaged": (
        lambda _: gzip.compress(NEWC)[:10] + b"\xff" * 200_000,
        f"{GZIPPED} it is cut off or damaged",
    ),
    "xz, damaged": (
        lambda _: lzma.compress(NEWC, check=lzma.CHECK_CRC32)[:12] + bytes(99),
        "it is compressed by xz, and it is cut off or damaged",
    ),
    "archive at an odd place": (
        lambda _: bytes(2) + NEWC,
        "an archive begins at byte 2, and Linux takes one at a multiple of 4",
    ),
    "archive, cut in a file": (
        lambda _: CUT[:1000],
        "it is cut off: 'a' in it ends at byte 2112, and the file has 1000",
    ),
    "archive, cut in a header": (lambda _: NEWC + NEWC[:50], "the archive's header at byte 1024 is cut off or damaged"),
    "archive, cut in a name": (
        lambda _: ODD[:94] + b"00000009" + ODD[102:] + b"mot",
        "it is cut off: 'mot' in it ends at byte 119, and the file has 113",
    ),
    "a sign for a size": (
        lambda _: ODD[:54] + b"-0000001" + ODD[62:],
        "the archive's header at byte 0 is cut off or damaged",
    ),
    "archive, then a tar": (lambda _: NEWC + tar(), "it is a tar archive"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_linux_does_not_unpack_is_told(tmp_path: Path, name: str) -> None:
    make, wrong = WRONG[name]
    disk = looked_at(tmp_path, make(tmp_path))
    assert disk.wrong == wrong
    assert disk.advice


def test_the_last_bytes_of_an_archive_must_be_there(tmp_path: Path) -> None:
    end = 112 + 2000
    assert looked_at(tmp_path, CUT[:end]).wrong == ""
    assert looked_at(tmp_path, CUT[: end - 1]).wrong.startswith("it is cut off: 'a' in it ends at byte 2112")


@pytest.mark.parametrize("data", [b"", bytes(1), bytes(70_000)])
def test_nothing_to_unpack(tmp_path: Path, data: bytes) -> None:
    disk = looked_at(tmp_path, data)
    assert (disk.wrong, disk.is_empty) == ("", True)


@settings(max_examples=200, deadline=None)
@given(
    data=st.binary(max_size=300), head=st.sampled_from([b"", b"070701", b"070702", b"\x1f\x8b", b"\xfd7zXZ\0", b"BZh"])
)
def test_whatever_it_is_something_is_said(tmp_path_factory: pytest.TempPathFactory, data: bytes, head: bytes) -> None:
    disk = looked_at(tmp_path_factory.getbasetemp(), head + data)
    assert disk.wrong == "" or disk.advice


def test_little_of_a_large_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """1 GiB of archive, of zeroes, or of what is compressed costs no more than its beginning."""
    read: list[int] = []
    pread = os.pread

    def counted(descriptor: int, count: int, at: int) -> bytes:
        data = pread(descriptor, count, at)
        read.append(len(data))
        return data

    monkeypatch.setattr(os, "pread", counted)
    many = b"".join(ODD[:94] + b"00000002" + ODD[102:] + b"a\0" for _ in range(200_000))
    for beginning in (NEWC, gzip.compress(NEWC + os.urandom(2**20)), b"", many):
        path = tmp_path / "initrd"
        path.write_bytes(beginning)
        os.truncate(path, 2**30)
        read.clear()
        started = time.monotonic()
        assert ram_disk(str(path), 2**30).wrong == ""
        assert sum(read) <= MOST_READ_BYTES + 2**16
        assert time.monotonic() - started < 5


def test_files_of_another_kernels_guests_are_good(tmp_path: Path) -> None:
    """An archive that this tool makes is one that it takes."""
    assert looked_at(tmp_path, empty()).wrong == ""
    assert looked_at(tmp_path, with_files(gzip.compress(NEWC), FILE)).wrong == ""


@pytest.mark.parametrize("size", [1, 508, 509, 512, 513])
def test_four_zeroes_at_least_lie_before_what_is_appended(size: int) -> None:
    """LZ4 ends at a chunk of 0 bytes (lib/decompress_unlz4.c); without it the archive is taken for one more chunk."""
    made = with_files(b"x" * size, FILE)
    gap = made[size : final_bytes(size) - APPENDED_BYTES]
    assert len(made) == final_bytes(size)
    assert 4 <= len(gap) < 4 + 512
    assert not any(gap)


GUEST = """\
[system]
name = "demo"
boards = ["qemu_virt_aarch64"]
[[guest]]
name = "linux"
initrd = "initrd"
{more}
"""
DRIVEN = 'devices = ["virtio_mmio31"]\n[[guest]]\nname = "b"\ndisk = [{ partition = 0 }]\n[block]\ndriver = "linux"\n'
DRIVEN += 'storage = "/dev/vda"\n'


def faults(folder: Path, data: bytes, more: str = "") -> list[Fault]:
    (folder / "initrd").write_bytes(data)
    (folder / "system.toml").write_text(GUEST.format(more=more))
    return describe(str(folder / "system.toml")).faults.sorted()


@pytest.mark.parametrize(
    ("form", "more", "said"),
    [
        ("crc", "", [("note", "is a cpio archive of the kind crc, which Linux unpacks from 5.19 on")]),
        ("newc", "", []),
        ("lz4", "", []),
        (
            "lz4",
            DRIVEN,
            [("note", "is compressed by lz4, behind which Linux finds what the build appends from 5.14 on")],
        ),
    ],
)
def test_what_earlier_versions_do_not_take_is_a_note(
    tmp_path: Path, form: str, more: str, said: list[tuple[str, str]]
) -> None:
    data = run("lz4", "-lc", stdin=NEWC) if form == "lz4" else cpio(form, tmp_path)
    expected = [(severity, f"initrd 'initrd' of guest `linux` {what}") for severity, what in said]
    assert [(fault.severity, fault.message) for fault in faults(tmp_path, data, more)] == expected


@pytest.mark.parametrize(
    ("more", "severity"),
    [("", "error"), ('bootargs = "root=/dev/ram0"', "warning"), ('bootargs = "root=/dev/ram0"\n' + DRIVEN, "error")],
    ids=["unpacked", "mounted", "with something behind it"],
)
def test_an_image_of_a_file_system_may_be_mounted(tmp_path: Path, more: str, severity: str) -> None:
    (fault,) = faults(tmp_path, ext4(tmp_path), more)
    assert (fault.code, fault.severity) == ("SDF134", severity)
    assert "it is an ext2, ext3 or ext4 file system" in fault.message


def test_the_frame_header_of_zstd_is_read_as_the_format_has_it(tmp_path: Path) -> None:
    for window, wrong in ((0x88, ""), (0x89, "a window of 144 MiB"), (0x90, "a window of 256 MiB")):
        assert wrong in looked_at(tmp_path, struct.pack("<IBB", 0xFD2FB528, 0, window) + bytes(16)).wrong
    assert looked_at(tmp_path, struct.pack("<IBB", 0xFD2FB528, 0x20, 0xFF) + bytes(16)).wrong == ""
