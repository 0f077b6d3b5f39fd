"""benchmarks/sel4: from figures to tables, and from words to rows."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from benchmarks.sel4 import table
from benchmarks.sel4.cells import FULL, MIB, Boot, Cell, Load, cells, rate
from benchmarks.sel4.mailbox import BLOCK_BYTES, Answer, parse_answer
from benchmarks.sel4.rows import Peer, Wanted, limit_name, peer, wanted
from benchmarks.sel4.table import Column

SMALL = Cell(4096, "write", 1)
TOGETHER = SMALL._replace(clients=2)
OURS, LIMIT = Column("ours", "limit, 1 core", 2), Column("limit, 1 core", None, 2)


def boot(mib_s: float, together_mib_s: float = 0, idle_cores: float | None = 0.05) -> Boot:
    loads = {SMALL: Load(mib_s * MIB, 1.0)}
    if together_mib_s:
        loads[TOGETHER] = Load(together_mib_s * MIB, 1.5)
    return Boot(20.0, loads, idle_cores, ())


FAILED = Boot(None, {}, None, ("client1: no answer within 240 s",))
# The machine was four times slower in the second round; the ratio is the same.
BOOTS = {
    "ours": [boot(1.0, 1.5), boot(0.25, 0.5), boot(2.0, 2.0)],
    "limit, 1 core": [boot(10.0), boot(2.5), boot(20.0)],
}


def row(lines: list[str], name: str) -> list[str]:
    (line,) = (line for line in lines if line.startswith(f"| {name} |"))
    return line.strip("| ").split(" | ")[1:]


def test_a_rate_is_the_median_of_the_rounds_and_a_ratio_is_taken_within_each() -> None:
    assert row(list(table.rates([OURS, LIMIT], BOOTS)), "write 4 KiB, depth 1") == ["1.0 (10.0 %)", "10.0"]


def test_a_ratio_is_not_that_of_the_medians() -> None:
    ours, limit = [boot(1), boot(4), boot(3)], [boot(10), boot(8), boot(100)]
    assert table.median_ratio(ours, SMALL, limit, SMALL) == pytest.approx(0.1)
    assert table.median_rate(ours, SMALL) == 3 * MIB


def test_two_clients_are_held_against_one_alone() -> None:
    assert row(list(table.rates_of_two([OURS], BOOTS)), "write 4 KiB, depth 1") == ["1.5 (150 %)"]


def test_a_row_of_one_client_is_not_among_those_of_two() -> None:
    lines = list(table.rates_of_two([OURS, Column("peer", LIMIT.name, 1)], BOOTS))
    assert lines[0] == "| MiB/s, two clients together (of one alone) | ours |"


def test_a_round_that_failed_does_not_count_and_is_told() -> None:
    boots = {"ours": [FAILED, *BOOTS["ours"][1:]], LIMIT.name: BOOTS[LIMIT.name]}
    assert row(list(table.rates([OURS, LIMIT], boots)), "write 4 KiB, depth 1") == ["1.1 (10.0 %)", "10.0"]
    assert list(table.troubles([OURS, LIMIT], boots)) == ["ours, round 1: client1: no answer within 240 s"]


@pytest.mark.parametrize("of_limit", [[], [FAILED, FAILED, FAILED]])
def test_without_its_limit_a_row_has_no_ratio(of_limit: list[Boot]) -> None:
    lines = list(table.rates([OURS], {"ours": BOOTS["ours"], LIMIT.name: of_limit}))
    assert row(lines, "write 4 KiB, depth 1") == ["1.0"]


def test_a_row_that_never_booted_has_dashes() -> None:
    boots = {"ours": [FAILED]}
    assert row(list(table.rates([OURS], boots)), "read 1 MiB, depth 32") == ["-"]
    assert row(list(table.machines([OURS], boots)), "ours") == ["-"] * 4


def test_the_host_is_told_about() -> None:
    # Of `write`: 0.25, 1 and 2 of 1; of two clients 0.5, 1.5 and 2 of 1.5; the median of both.
    assert row(list(table.machines([OURS], BOOTS)), "ours") == ["20", "5.0", "1.5", "0.29 to 1.67"]


def test_every_cell_is_measured_once_and_those_of_several_clients_first() -> None:
    assert len(set(cells(2))) == len(cells(2)) == 30
    assert [cell.clients for cell in cells(2)] == [2] * 12 + [1] * 18
    assert cells(1) == cells(2)[12:]


def test_a_rate_is_what_the_agent_counted() -> None:
    assert rate(("256", "500000000"), 4096) == 2 * MIB


def test_a_command_says_how_long() -> None:
    assert SMALL.command(FULL) == f"load write 4096 1 {FULL.warm_up_ms} {FULL.measured_ms}"


def block(text: str) -> bytes:
    return text.encode().ljust(BLOCK_BYTES, b"\0")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("0 ok\n", Answer(0, ("ok",))),
        ("3 ok 12 345\n", Answer(3, ("ok", "12", "345"))),
        ("4 error Input/output error\n", Answer(4, ("error", "Input/output", "error"))),
    ],
)
def test_an_answer_is_read(text: str, answer: Answer) -> None:
    assert parse_answer(block(text)) == answer


@pytest.mark.parametrize("text", ["", "3 ok 12", "3\n", "three ok\n", "-1 ok\n", "3 ok\nx", "\n", "\u0663 ok\n"])
def test_what_is_no_whole_answer_is_none(text: str) -> None:
    assert parse_answer(block(text)) is None


def test_a_row_is_read_from_the_command_line() -> None:
    assert wanted("2.3.0, 4 cores=/sdk:/libvmm:smp-release:4") == Wanted(
        "2.3.0, 4 cores", "/sdk", "/libvmm", "smp-release", 4
    )
    assert peer("libvmm=words") == Peer("libvmm", "words")


@pytest.mark.parametrize("text", ["", "a=/sdk:/libvmm:release", "=/s:/l:release:1", "a=/s:/l:release:one", "a"])
def test_what_is_no_row_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"is not NAME=SDK:LIBVMM:CONFIG:CORES$"):
        wanted(text)


@pytest.mark.parametrize("text", ["", "a", "a=", "=words"])
def test_what_is_no_peer_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"is not NAME=FILE$"):
        peer(text)


def test_limits_have_names() -> None:
    assert (limit_name(1), limit_name(4)) == ("limit, 1 core", "limit, 4 cores")
