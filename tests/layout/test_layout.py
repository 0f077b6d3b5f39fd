"""Laws of the allocators and of sizes as text."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from sdfgen.layout.ids import Ids
from sdfgen.layout.space import Space, natural_alignment, page_range
from sdfgen.units import LARGE_PAGE_BYTES, PAGE_BYTES, U64_MAX, parse_size, range_text, round_up, size_text

if TYPE_CHECKING:
    from collections.abc import Iterable

SIZES = st.integers(1, 2**24)
ADDRESSES = st.integers(0, 2**26)
ALIGNMENTS = st.sampled_from([1, 16, PAGE_BYTES, LARGE_PAGE_BYTES])
TAKEN = st.lists(st.tuples(ADDRESSES, SIZES), max_size=8)
WANTED = st.lists(st.tuples(SIZES, ALIGNMENTS), max_size=12)


def filled(taken: Iterable[tuple[int, int]]) -> Space:
    space = Space()
    for start, size in taken:
        space.take(start, size)
    return space


def disjoint(ranges: Iterable[tuple[int, int]]) -> bool:
    ordered = sorted(ranges)
    return all(a + size <= b for (a, size), (b, _) in pairwise(ordered))


@given(TAKEN, WANTED, ADDRESSES, st.integers(0, 2**27))
def test_what_is_placed_is_aligned_inside_and_free(
    taken: list[tuple[int, int]], wanted: list[tuple[int, int]], start: int, length: int
) -> None:
    space, placed = filled(taken), []
    for size, alignment in wanted:
        address = space.place(size, alignment, start, start + length)
        if address is not None:
            assert address % alignment == 0
            assert start <= address <= start + length - size
            assert all(address + size <= low or low + n <= address for low, n in taken)
            placed.append((address, size))
    assert disjoint(placed)


@given(TAKEN, SIZES, ALIGNMENTS, ADDRESSES)
def test_the_lowest_free_place_is_taken(taken: list[tuple[int, int]], size: int, alignment: int, start: int) -> None:
    address = filled(taken).place(size, alignment, start, 2**40)
    assert address is not None
    # Any lower place would begin at `start` or at the end of something taken: none of them is free.
    ends = [round_up(low + n, alignment) for low, n in taken]
    for candidate in {round_up(start, alignment), *ends}:
        if start <= candidate < address:
            assert any(low < candidate + size and candidate < low + n for low, n in taken)


@given(TAKEN, SIZES, ALIGNMENTS, ADDRESSES, st.integers(0, 2**27))
def test_none_only_when_there_is_no_place(
    taken: list[tuple[int, int]], size: int, alignment: int, start: int, length: int
) -> None:
    bounded = filled(taken).place(size, alignment, start, start + length)
    unbounded = filled(taken).place(size, alignment, start, 2**60)
    assert unbounded is not None
    assert bounded == (unbounded if unbounded + size <= start + length else None)


@given(TAKEN, WANTED, st.randoms(use_true_random=False))
def test_the_same_questions_get_the_same_answers(
    taken: list[tuple[int, int]], wanted: list[tuple[int, int]], random: object
) -> None:
    shuffled = list(taken)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = filled(taken), filled(shuffled)
    assert [first.place(*w, 0, 2**40) for w in wanted] == [second.place(*w, 0, 2**40) for w in wanted]


SMALL = st.integers(0, 16)


def test_an_exact_fit_is_taken() -> None:
    assert filled([(0, 4), (8, 4)]).place(4, 1, 0, 64) == 4
    assert filled([(8, 4)]).place(4, 1, 4, 8) == 4
    assert filled([(0, 4), (8, 4)]).place(5, 1, 0, 64) == 12


@given(
    st.lists(st.tuples(SMALL, st.integers(1, 6)), max_size=4), st.integers(1, 6), st.sampled_from([1, 2]), SMALL, SMALL
)
def test_a_small_space_is_filled_like_one_that_is_counted_out(
    taken: list[tuple[int, int]], size: int, alignment: int, start: int, end: int
) -> None:
    used = {address for low, n in taken for address in range(low, low + n)}
    fits = (a for a in range(start, end - size + 1) if a % alignment == 0 and used.isdisjoint(range(a, a + size)))
    assert filled(taken).place(size, alignment, start, end) == next(fits, None)


@given(st.integers(max_value=0), ADDRESSES)
def test_nothing_is_taken_by_an_empty_range(size: int, start: int) -> None:
    assert filled([(start, size)]).place(1, 1, start, start + 1) == start


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 70))), st.lists(st.sampled_from("abc"), max_size=80))
def test_ids_are_the_lowest_free(explicit: list[tuple[str, int]], asked: list[str]) -> None:
    ids, used = Ids(explicit), {pd: {n for p, n in explicit if p == pd} for pd in "abc"}
    for pd in asked:
        number = ids.next(pd)
        assert number not in used[pd]
        assert set(range(number)) <= used[pd]
        used[pd].add(number)


@given(st.integers(0, 2**40), st.integers(1, 2**24))
def test_page_range_is_the_smallest_cover(start: int, size: int) -> None:
    base, length = page_range(start, size)
    assert base % PAGE_BYTES == length % PAGE_BYTES == 0
    assert base <= start < base + PAGE_BYTES
    assert start + size <= base + length < start + size + PAGE_BYTES


@given(st.integers(0, 2**20))
def test_natural_alignment(pages: int) -> None:
    size = pages * PAGE_BYTES
    assert size % natural_alignment(size) == 0
    assert natural_alignment(size) == (LARGE_PAGE_BYTES if size % LARGE_PAGE_BYTES == 0 else PAGE_BYTES)


@given(st.one_of(st.integers(0, U64_MAX), st.integers(0, 2**30).map(lambda n: n * PAGE_BYTES)))
def test_sizes_survive_being_written(size: int) -> None:
    assert parse_size(size_text(size)) == size
    assert parse_size(hex(size)) == parse_size(str(size)) == size


@given(st.text())
def test_no_text_breaks_parse_size(text: str) -> None:
    value = parse_size(text)
    assert value is None or value >= 0


def test_sizes_as_people_write_them() -> None:
    assert parse_size("2 MiB") == parse_size("2MiB") == parse_size(" 2  MiB ") == parse_size("0x20_0000") == 0x20_0000
    assert [parse_size(t) for t in ("2 MB", "2 mib", "-1", "1.5 MiB", "", "MiB", "0x", "٣", "1__0 B", "_1")] == [
        None
    ] * 10
    assert size_text(0x20_0000) == "2 MiB"
    assert size_text(4097) == "4097 B"
    assert range_text(0x1000, 0x1000) == "0x1000..0x2000"


@given(st.integers(0, 2**64), st.integers(1, 2**30))
def test_round_up(value: int, alignment: int) -> None:
    assert round_up(value, alignment) % alignment == 0
    assert 0 <= round_up(value, alignment) - value < alignment
