"""Kernels: what a file is, and what keeps an Image from starting; a real one is judged too where the cache has it."""

from __future__ import annotations

import gzip
import os
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe
from sdfgen.guests.kernel import kernel_image
from sdfgen.read.kinds import ARM64_IMAGE

if TYPE_CHECKING:
    from sdfgen.model.guest import KernelImage

PE_AT = 64


def image(flags: int = 0b1010, size: int = 4096, text_offset: int = 0) -> bytes:
    return struct.pack("<8xQQQ24x4s4x", text_offset, size, flags, b"ARMd")


def with_stub(file_bytes: int, optional_bytes: int = 160) -> bytes:
    """An Image that is a PE file too, with sections of which the last ends at `file_bytes`."""
    head = b"MZ" + struct.pack("<6xQQQ24x4sI", 0, 2**20, 0b1010, b"ARMd", PE_AT)
    pe = struct.pack("<4s2xH12xH2x", b"PE\0\0", 3, optional_bytes) + bytes(optional_bytes)
    rows = [(0x1000, 0x10000), (file_bytes - 0x11000, 0x11000), (0, 0)]
    return head + pe + b"".join(struct.pack("<16xII16x", size, at) for size, at in rows)


def looked_at(folder: Path, data: bytes, size_bytes: int | None = None) -> KernelImage:
    path = folder / "Image"
    path.write_bytes(data)
    if size_bytes is not None:
        os.truncate(path, size_bytes)
    return kernel_image(str(path), path.stat().st_size)


def test_a_good_one_is_taken(tmp_path: Path) -> None:
    found = looked_at(tmp_path, image(text_offset=0x8_0000))
    assert (found.kind, found.wrong, found.page_kib) == (ARM64_IMAGE, "", 4)
    assert (found.text_offset, found.size_bytes) == (0x8_0000, 4096)


@pytest.mark.parametrize(("flags", "page_kib"), [(0, None), (0b010, 4), (0b100, 16), (0b110, 64), (0b1110, 64)])
def test_the_size_of_pages_is_read(tmp_path: Path, flags: int, page_kib: int | None) -> None:
    assert looked_at(tmp_path, image(flags)).page_kib == page_kib


def test_a_file_may_be_shorter_than_what_it_takes_in_memory(tmp_path: Path) -> None:
    assert looked_at(tmp_path, image(size=2**30)).wrong == ""


@pytest.mark.parametrize(
    ("size_bytes", "wrong"), [(0x40000, ""), (0x3FFFF, "is cut off: its header tells of 262144 bytes")]
)
def test_a_file_has_all_of_its_sections(tmp_path: Path, size_bytes: int, wrong: str) -> None:
    assert looked_at(tmp_path, with_stub(0x40000), size_bytes).wrong.startswith(wrong or "")
    assert bool(looked_at(tmp_path, with_stub(0x40000), size_bytes).wrong) == bool(wrong)


@pytest.mark.parametrize("optional_bytes", [0xFFFF, 4096])
def test_a_header_that_leads_elsewhere_tells_nothing(tmp_path: Path, optional_bytes: int) -> None:
    assert looked_at(tmp_path, with_stub(0x40000, optional_bytes)[:400]).wrong == ""


ZBOOT = struct.pack("<4s4sII8x8s", b"MZ\0\0", b"zimg", 0x3000, 500, b"gzip\0") + bytes(64)
NOT_IMAGES = [
    (image()[:60], "cut off: it has 60 bytes, and the header of one 64", ""),
    (gzip.compress(image()), "compressed by gzip", "unpack it: gzip -dc FILE > Image"),
    (b"\x28\xb5\x2f\xfd" + bytes(64), "compressed by zstd", "unpack it: zstd -dc FILE > Image"),
    (b"\x27\x05\x19\x56" + bytes(64), "a U-Boot uImage", "unpack it: tail -c +65 FILE > Image"),
    (
        ZBOOT,
        "a compressed EFI image such as vmlinuz.efi, by gzip",
        "unpack it: tail -c +12289 FILE | head -c 500 | gzip -dc > Image",
    ),
    (ZBOOT.replace(b"gzip", b"lzo4"), "a compressed EFI image such as vmlinuz.efi", ""),
    (ZBOOT[:20], "a compressed EFI image such as vmlinuz.efi", ""),
    (b"", "empty", ""),
    (b"070701" + b"0" * 104, "a cpio archive", ""),
]


@pytest.mark.parametrize(("data", "kind", "advice"), NOT_IMAGES, ids=[row[1] for row in NOT_IMAGES])
def test_what_is_no_image_is_told(tmp_path: Path, data: bytes, kind: str, advice: str) -> None:
    found = looked_at(tmp_path, data)
    assert (found.kind, found.advice) == (kind, advice)


def test_the_command_for_a_compressed_efi_image_gives_the_image(tmp_path: Path) -> None:
    payload = gzip.compress(image())
    data = struct.pack("<4s4sII8x8s", b"MZ\0\0", b"zimg", 100, len(payload), b"gzip\0").ljust(100, b"\0")
    found = looked_at(tmp_path, data + payload + b"and more")
    command = found.advice.removeprefix("unpack it: ").replace("FILE", "Image").replace("> Image", "> out")
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    assert (tmp_path / "out").read_bytes() == image()


DESCRIPTION = """\
[system]
name = "demo"
boards = ["{board}"]
[[guest]]
name = "linux"
kernel = "{kernel}"
"""


def said(folder: Path, kernel: str, board: str = "qemu_virt_aarch64") -> list[tuple[str, str, str]]:
    (folder / "system.toml").write_text(DESCRIPTION.format(board=board, kernel=kernel))
    found = describe(str(folder / "system.toml")).faults.sorted()
    return [(fault.code, fault.severity, fault.message) for fault in found]


@pytest.mark.parametrize(
    ("flags", "board", "expected"),
    [
        (0b010, "qemu_virt_aarch64", []),
        (0b011, "qemu_virt_aarch64", [("SDF136", "error")]),
        (0b100, "qemu_virt_aarch64", [("SDF136", "warning")]),
        (0b100, "odroidc4", []),  # a Cortex-A55 has them
        (0b110, "qemu_virt_aarch64", []),
    ],
)
def test_a_kernel_suits_its_machine(tmp_path: Path, flags: int, board: str, expected: list[tuple[str, str]]) -> None:
    (tmp_path / "Image").write_bytes(image(flags))
    assert [(code, severity) for code, severity, _ in said(tmp_path, "Image", board)] == expected


SPECIAL = [
    ("/dev/zero", "kernel '/dev/zero' is not a file"),
    ("fifo", "kernel 'fifo' is not a file"),
    ("loop", "kernel 'loop' does not exist"),
    ("/proc/self/mem", "kernel '/proc/self/mem' cannot be read: Input/output error"),
]


@pytest.mark.parametrize(("kernel", "message"), SPECIAL, ids=[row[0] for row in SPECIAL])
def test_what_is_no_plain_file_is_told_and_never_waited_for(tmp_path: Path, kernel: str, message: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    for key in ("kernel", "initrd", "dtb"):
        text = DESCRIPTION.format(board="qemu_virt_aarch64", kernel=kernel).replace("kernel =", f"{key} =")
        (tmp_path / "system.toml").write_text(text)
        found = [(f.code, f.message) for f in describe(str(tmp_path / "system.toml")).faults]
        if kernel.startswith("/proc") and key == "initrd":
            continue  # of 0 bytes, as that file says of itself: empty
        assert found == [("SDF013", message.replace("kernel", key))]


CACHED = sorted(Path("~/.cache/sdfgen-guests").expanduser().glob("*-arm64-*/kernel"))


@pytest.mark.skipif(not CACHED, reason="no guest was made on this machine (tests/guest)")
def test_debians_kernel_is_good(tmp_path: Path) -> None:
    (tmp_path / "Image").symlink_to(CACHED[0])
    assert said(tmp_path, "Image") == []
    (tmp_path / "cut").write_bytes(CACHED[0].read_bytes()[:-4096])
    ((code, _, message),) = said(tmp_path, "cut")
    assert code == "SDF136"
    assert "is cut off" in message
