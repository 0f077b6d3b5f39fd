from __future__ import annotations

import errno
import os
import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from patcher import PatchError, PatchRecord, PatchRequest, patch_file, plan_file, read_values, verify_file
from tests.patcher.building import Elf

if TYPE_CHECKING:
    from pathlib import Path

VALUES = {"base_a": 0x4000_0000, "base_b": 2**64 - 1, "read_only": 0}
REQUESTS = [PatchRequest(symbol, value) for symbol, value in VALUES.items()]


def changed_ranges(records: tuple[PatchRecord, ...]) -> set[int]:
    return {record.file_offset + n for record in records for n in range(len(record.new))}


def differing(one: bytes, other: bytes) -> set[int]:
    assert len(one) == len(other)
    return {n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b}


def test_all_values_are_written_and_nothing_else_changes(static: Path, tmp_path: Path) -> None:
    target = tmp_path / "patched"
    records = patch_file(str(static), str(target), REQUESTS)
    assert read_values(str(target), VALUES) == VALUES
    assert differing(static.read_bytes(), target.read_bytes()) <= changed_ranges(records)
    assert verify_file(str(target), REQUESTS) == tuple(record._replace(old=record.new) for record in records)


def test_a_record_says_where_what_and_instead_of_what(static: Path) -> None:
    elf = Elf(static)
    (record,) = plan_file(str(static), [PatchRequest("base_a", 0x1234)])
    assert record.symbol == "base_a"
    assert record.vaddr == elf.vaddr("base_a")
    assert elf.data[record.file_offset : record.file_offset + 8] == record.old
    assert record.old.hex() == "4444333322221111"
    assert record.new.hex() == "3412000000000000"


@pytest.mark.parametrize(("symbol", "size_bytes"), [("small", 4), ("tiny", 1), ("small", None), ("base_a", None)])
def test_smaller_variables_and_the_size_a_variable_has(copy: Path, symbol: str, size_bytes: int | None) -> None:
    requests = [PatchRequest(symbol, 0xAB, size_bytes)]
    before = copy.read_bytes()
    records = patch_file(str(copy), str(copy), requests)
    assert read_values(str(copy), [symbol]) == {symbol: 0xAB}
    assert differing(before, copy.read_bytes()) <= changed_ranges(records)


@pytest.mark.parametrize("mode", [0o755, 0o640, 0o400])
def test_the_mode_stays(copy: Path, tmp_path: Path, mode: int) -> None:
    copy.chmod(mode)
    target = tmp_path / "patched"
    patch_file(str(copy), str(target), REQUESTS)
    patch_file(str(copy), str(copy), REQUESTS)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (copy, target)] == [mode, mode]


def test_a_target_that_is_a_link_stays_one(copy: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(copy)
    patch_file(str(link), str(link), REQUESTS)
    assert link.is_symlink()
    assert read_values(str(copy), VALUES) == VALUES


def test_another_name_of_the_same_file_keeps_its_content(copy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    os.link(copy, other)
    before = copy.read_bytes()
    patch_file(str(copy), str(other), REQUESTS)
    assert copy.read_bytes() == before
    assert read_values(str(other), VALUES) == VALUES


def test_relative_paths(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy.parent)
    patch_file(copy.name, "patched", REQUESTS)
    assert read_values("patched", VALUES) == VALUES


def test_a_name_that_is_no_utf8(copy: Path) -> None:
    strange = os.fsdecode(os.fsencode(copy) + b"\xff")
    copy.rename(strange)
    patch_file(strange, strange, REQUESTS)
    assert read_values(strange, VALUES) == VALUES


def test_a_target_that_is_right_keeps_its_time(copy: Path, tmp_path: Path) -> None:
    target = tmp_path / "patched"
    for path in (target, copy):
        records = patch_file(str(copy), str(path), REQUESTS)
        os.utime(path, ns=(1, 1))
        again = patch_file(str(copy), str(path), REQUESTS)
        assert path.stat().st_mtime_ns == 1
        assert [record.new for record in again] == [record.new for record in records]


def test_a_target_with_one_other_byte_is_written_anew(static: Path, tmp_path: Path) -> None:
    target = tmp_path / "patched"
    patch_file(str(static), str(target), REQUESTS)
    good = target.read_bytes()
    for position in (20, len(good) // 2, len(good) - 1):
        target.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        patch_file(str(static), str(target), REQUESTS)
        assert target.read_bytes() == good


def test_a_target_with_another_mode_is_written_anew(static: Path, tmp_path: Path) -> None:
    target = tmp_path / "patched"
    patch_file(str(static), str(target), REQUESTS)
    target.chmod(0o600)
    patch_file(str(static), str(target), REQUESTS)
    assert target.stat().st_mode == static.stat().st_mode


def test_the_same_request_twice_counts_once(static: Path) -> None:
    assert len(plan_file(str(static), [REQUESTS[0], REQUESTS[0]])) == 1


def test_no_request_gives_a_copy(static: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    assert patch_file(str(static), str(target), []) == ()
    assert target.read_bytes() == static.read_bytes()


def test_verifying_says_what_differs(static: Path) -> None:
    with pytest.raises(PatchError) as caught:
        verify_file(str(static), [*REQUESTS, PatchRequest("small", 9, 4)])
    assert [fault.symbol for fault in caught.value.faults] == list(VALUES)
    at = Elf(static).vaddr("base_a")
    assert str(caught.value) == (
        f"{static}: error[PATCH020]: `base_a` at {at:#x} is 0x1111222233334444 instead of 0x40000000; patch the file"
    )


def refuse(*_arguments: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("function", ["pwrite", "copy_file_range", "fchmod", "replace"])
def test_a_failing_write_leaves_everything_as_it_was(
    copy: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    before = copy.read_bytes()
    monkeypatch.setattr(os, function, refuse)
    with pytest.raises(PatchError) as caught:
        patch_file(str(copy), str(copy), REQUESTS)
    message = "cannot be written (No space left on device); check its folder, permissions and free space"
    assert str(caught.value) == f"{copy}: error[PATCH018]: {message}"
    assert copy.read_bytes() == before
    assert os.listdir(copy.parent) == [copy.name]


def test_an_interruption_leaves_everything_as_it_was(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    before = copy.read_bytes()
    monkeypatch.setattr(os, "fchmod", interrupt)
    with pytest.raises(KeyboardInterrupt):
        patch_file(str(copy), str(copy), REQUESTS)
    assert copy.read_bytes() == before
    assert os.listdir(copy.parent) == [copy.name]


@pytest.mark.parametrize("shift_bytes", [0, -8, 8])
def test_bytes_that_did_not_arrive_are_found(copy: Path, monkeypatch: pytest.MonkeyPatch, shift_bytes: int) -> None:
    write = os.pwrite

    def miss(descriptor: int, value: bytes, offset: int) -> int:
        return write(descriptor, value if shift_bytes else bytes(len(value)), offset + shift_bytes)

    before = copy.read_bytes()
    monkeypatch.setattr(os, "pwrite", miss)
    with pytest.raises(PatchError) as caught:
        patch_file(str(copy), str(copy), [PatchRequest("base_b", 0x99)])
    message = "the copy does not read back as it was written; look for another writer or a failing disk"
    assert str(caught.value) == f"{copy}: error[PATCH019]: {message}"
    assert copy.read_bytes() == before
    assert os.listdir(copy.parent) == [copy.name]


def test_a_byte_changed_elsewhere_is_found(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.pwrite

    def spill(descriptor: int, value: bytes, offset: int) -> int:
        write(descriptor, b"\1", os.fstat(descriptor).st_size - 70)
        return write(descriptor, value, offset)

    monkeypatch.setattr(os, "pwrite", spill)
    with pytest.raises(PatchError) as caught:
        patch_file(str(copy), str(copy), REQUESTS)
    assert caught.value.code == "PATCH019"


def test_file_systems_without_range_copies(static: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_arguments: object) -> int:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "copy_file_range", unsupported)
    target = tmp_path / "patched"
    records = patch_file(str(static), str(target), REQUESTS)
    assert read_values(str(target), VALUES) == VALUES
    assert differing(static.read_bytes(), target.read_bytes()) <= changed_ranges(records)


def test_an_input_that_shrinks_is_no_endless_copy(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "copy_file_range", lambda *_arguments: 0)
    with pytest.raises(PatchError, match=r"cannot be written \(the input became shorter\)"):
        patch_file(str(copy), str(copy), REQUESTS)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (".", "the output is a directory; name a file"),
        ("/dev/null", "the output is no regular file; name a file"),
        (
            "no/such/folder",
            "cannot be written (No such file or directory); check its folder, permissions and free space",
        ),
        ("file/below", "cannot be written (Not a directory); check its folder, permissions and free space"),
        ("", "the output is a directory; name a file"),
        ("a\0b", "cannot be written (embedded null byte); check its folder, permissions and free space"),
    ],
)
def test_targets_that_cannot_be_written(
    static: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(PatchError) as caught:
        patch_file(str(static), target, REQUESTS)
    assert str(caught.value) == f"{target}: error[PATCH018]: {message}"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(not shutil.which("readelf"), reason="readelf is not installed")
def test_readelf_sees_the_same_file_with_the_values(static: Path, tmp_path: Path) -> None:
    import subprocess

    def readelf(path: Path, *options: str) -> str:
        command = ["readelf", "--wide", *options, str(path)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    target = tmp_path / "patched"
    patch_file(str(static), str(target), [PatchRequest("base_a", 0x0807060504030201)])
    assert readelf(static, "--all") == readelf(target, "--all")
    assert readelf(target, "--lint", "--all")
    assert (
        "".join(line[13:48] for line in readelf(target, "--hex-dump=.data").splitlines())
        .replace(" ", "")
        .count("0102030405060708")
    )
