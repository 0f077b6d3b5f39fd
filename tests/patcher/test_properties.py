from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patcher import PatchError, PatchRequest, locate, patch_file, plan_file, read_values, verify_file

SIZES = {
    "base_a": 8,
    "base_b": 8,
    "read_only": 8,
    "small": 4,
    "tiny": 1,
    "config.magic": 4,
    "config.clients[1].io_addr": 8,
    "config.clients[1].tag": 2,
    "config.grid[1][3]": 8,
}
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

values = st.lists(st.sampled_from(sorted(SIZES)), unique=True, min_size=1).flatmap(
    lambda symbols: st.fixed_dictionaries({symbol: st.integers(0, 256 ** SIZES[symbol] - 1) for symbol in symbols})
)


@pytest.fixture(params=["static", "pie"])
def original(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


@SLOW
@given(chosen=values)
def test_what_is_written_is_read_back_and_nothing_else_changes(original: Path, chosen: dict[str, int]) -> None:
    requests = [PatchRequest(symbol, value, SIZES[symbol]) for symbol, value in chosen.items()]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "patched")
        records = patch_file(str(original), str(target), requests)
        assert read_values(str(target), chosen) == chosen
        expected = bytearray(original.read_bytes())
        for record in records:
            expected[record.file_offset : record.file_offset + len(record.new)] = record.new
        assert target.read_bytes() == expected
        patch_file(str(target), str(target), [PatchRequest(one.symbol, 0, len(one.old)) for one in records])
        back = [PatchRequest(one.symbol, int.from_bytes(one.old, "little"), len(one.old)) for one in records]
        patch_file(str(target), str(target), back)
        assert target.read_bytes() == original.read_bytes()


@SLOW
@given(chosen=values)
def test_the_order_of_requests_does_not_matter(original: Path, chosen: dict[str, int]) -> None:
    requests = [PatchRequest(symbol, value, SIZES[symbol]) for symbol, value in chosen.items()]
    assert set(plan_file(str(original), requests)) == set(plan_file(str(original), requests[::-1]))


def damaged(data: bytes, length: int, flips: list[tuple[int, int]]) -> bytes:
    damage = bytearray(data[: length % (len(data) + 1)] if length else data)
    for position, bit in flips:
        if damage:
            damage[position % len(damage)] ^= 1 << bit
    return bytes(damage)


def survives(data: bytes) -> None:
    requests = [PatchRequest("base_a", 1), PatchRequest("config.clients[1].io_addr", 2)]
    with tempfile.TemporaryDirectory() as folder:
        path, target = Path(folder, "damaged"), Path(folder, "patched")
        path.write_bytes(data)
        shutil.copymode(__file__, path)
        for action in (
            lambda: plan_file(str(path), requests),
            lambda: verify_file(str(path), requests),
            lambda: read_values(str(path), ["base_a", "small"]),
            lambda: patch_file(str(path), str(target), requests),
            lambda: patch_file(str(path), str(target), requests[:1]),
            lambda: locate.read_image(str(path), {"base_a"}) if data[:4] == b"\x7fELF" else None,
        ):
            with contextlib.suppress(PatchError):
                action()
        assert path.read_bytes() == data


flips = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 7)), max_size=8)


@settings(SLOW, max_examples=150)
@given(length=st.integers(0, 1 << 16), where=flips)
def test_damaged_files_never_give_a_traceback(original: Path, length: int, where: list[tuple[int, int]]) -> None:
    survives(damaged(original.read_bytes(), length, where))


@settings(SLOW, max_examples=300)
@given(where=st.lists(st.tuples(st.integers(0, 0x239), st.integers(0, 7)), min_size=1, max_size=4), tail=flips)
def test_damaged_headers_never_give_a_traceback(
    original: Path, where: list[tuple[int, int]], tail: list[tuple[int, int]]
) -> None:
    data = original.read_bytes()
    at_end = [(len(data) - 1 - position % 2500, bit) for position, bit in tail]
    survives(damaged(data, 0, where + at_end))


@settings(SLOW, max_examples=100)
@given(data=st.binary(max_size=300).map(lambda tail: b"\x7fELF\2\1\1" + tail))
def test_arbitrary_bytes_never_give_a_traceback(data: bytes) -> None:
    survives(data)
