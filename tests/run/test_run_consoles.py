"""The consoles of several guests in one serial stream, what is shown of them, and what is expected of them."""

from __future__ import annotations

import pytest

from sdfgen.run.console import Consoles, Demultiplexer, Line, Screen, consoles_of
from sdfgen.run.expect import Expectations, expectation

from .test_run_qemu import example

CONSOLES = Consoles(("driver", "one", "two"), {"driver": "driver", "one": "one", "two": "two", "two_vmm": "two"}, None)
WITH_UART = CONSOLES._replace(uart="driver")

# What arrives, the lines it is, and what remains unfinished.
STREAMS: dict[str, tuple[bytes, tuple[Line, ...], Line | None]] = {
    "nothing": (b"", (), None),
    "without_a_name": (b"LDR|INFO: a\nMON|INFO: b\n", (Line(None, "LDR|INFO: a"), Line(None, "MON|INFO: b")), None),
    "of_two_guests": (b"one| a\ntwo| b\none| \n", (Line("one", "a"), Line("two", "b"), Line("one", "")), None),
    "a_vmm_speaks_for_its_guest": (b"two_vmm| b\n", (Line("two", "b"),), None),
    "a_vmms_own_words": (b"two_vmm|INFO: b\n", (Line(None, "two_vmm|INFO: b"),), None),
    "a_guest_prints_anothers_name": (b"one| two| b\n", (Line("one", "two| b"),), None),
    "a_line_interrupted": (b"[ 1.0] upone| a\n and\n", (Line("one", "a"), Line(None, "[ 1.0] up and")), None),
    "a_line_interrupted_twice": (
        b"upone| a\n andtwo| b\n on\n",
        (Line("one", "a"), Line("two", "b"), Line(None, "up and on")),
        None,
    ),
    "carriage_returns": (b"one| a\r\r\nb\r\n", (Line("one", "a"), Line(None, "b")), None),
    "colours_and_cursor_movements": (
        b"one| \x1b[1;32mok\x1b[0m\x1b[6n \x1b]0;title\x07\x07.\x1bc\n",
        (Line("one", "ok ."),),
        None,
    ),
    "colours_as_a_vmm_writes_them": (b"one| \\x1b[32mok\\x1b[0m \\x1bc\n", (Line("one", "ok \\x1bc"),), None),
    "bytes_that_are_no_text": (b"\xff\x80\none| \xc3\xa4\n", (Line(None, "\ufffd\ufffd"), Line("one", "ä")), None),
    "a_prompt": (b"one| a\nlogin: ", (Line("one", "a"),), Line(None, "login: ")),
    "a_prompt_of_a_guest": (b"one| login: ", (), Line("one", "login: ")),
    "a_prompt_interrupted": (b"login: one| a\n", (Line("one", "a"),), Line(None, "login: ")),
}


@pytest.mark.parametrize("step", [1, 2, 7, 1 << 20])
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_taken_apart_however_it_arrives(name: str, step: int) -> None:
    data, lines, rest = STREAMS[name]
    demultiplexer = Demultiplexer(CONSOLES.marks)
    found = [line for at in range(0, len(data), step) for line in demultiplexer.feed(data[at : at + step])]
    assert found == list(lines)
    assert demultiplexer.partial() == rest


def test_a_line_that_never_ends_is_cut() -> None:
    demultiplexer = Demultiplexer(CONSOLES.marks)
    lines = [line for _ in range(64) for line in demultiplexer.feed(b"x" * 4096)]
    assert lines
    rest = demultiplexer.partial()
    assert sum(len(line.text) for line in lines) + (len(rest.text) if rest else 0) == 64 * 4096


def test_a_system_without_guests_has_only_nameless_lines() -> None:
    assert list(Demultiplexer({}).feed(b"one| a\n| b\n")) == [Line(None, "one| a"), Line(None, "| b")]


# Guests, whose console is wanted, colours; the line, and what is shown of it.
SCREENS: dict[str, tuple[Consoles, str | None, bool, Line, str]] = {
    "a_guest": (CONSOLES, None, False, Line("one", "a"), "one| a\n"),
    "a_guest_in_colour": (CONSOLES, None, True, Line("one", "a"), "\x1b[33mone|\x1b[0m a\n"),
    "nobody": (CONSOLES, None, True, Line(None, "a"), "a\n"),
    "the_one_that_is_wanted": (CONSOLES, "one", True, Line("one", "a"), "a\n"),
    "another_one": (CONSOLES, "one", False, Line("two", "a"), ""),
    "nobody_when_one_is_wanted": (WITH_UART, "one", False, Line(None, "a"), ""),
    "nobody_when_the_owner_of_the_uart_is_wanted": (WITH_UART, "driver", False, Line(None, "a"), "a\n"),
}


@pytest.mark.parametrize("name", SCREENS)
def test_what_is_shown_of_a_line(name: str) -> None:
    consoles, only, colours, line, shown = SCREENS[name]
    assert Screen(consoles, only, colours=colours).render(line) == shown


# An expectation, lines, and whether they meet it.
MEETINGS: dict[str, tuple[str, tuple[Line, ...], bool]] = {
    "anywhere_in_a_line": ("b+", (Line(None, "abbc"),), True),
    "on_any_console": ("^a$", (Line("two", "a"),), True),
    "not_over_two_lines": ("ab", (Line("one", "a"), Line("one", "b")), False),
    "not_the_name_of_the_guest": ("one", (Line("one", "a"),), False),
    "on_a_console": ("one:a", (Line("two", "a"), Line("one", "a")), True),
    "on_another_console": ("one:a", (Line("two", "a"),), False),
    "on_nobodys": ("one:a", (Line(None, "one:a"),), False),
    "on_the_uart": ("driver:a", (Line(None, "a"),), True),
    "a_colon_behind_no_name": ("three:a", (Line("one", "three:a"),), True),
    "an_expression_with_a_colon": ("one:a:b", (Line("one", "a:b"),), True),
}


@pytest.mark.parametrize("name", MEETINGS)
def test_when_an_expectation_is_met(name: str) -> None:
    text, lines, met = MEETINGS[name]
    expectations = Expectations([expectation(text, WITH_UART)], WITH_UART)
    assert [expectations.see(line) for line in lines][-1] == met
    assert (not expectations.missing) == met


def test_all_expectations_are_to_be_met_in_any_order() -> None:
    expectations = Expectations([expectation(text, CONSOLES) for text in ("a", "one:b", "a")], CONSOLES)
    seen = [expectations.see(line) for line in (Line("two", "b"), Line("one", "b"), Line("two", "a"), Line("two", "a"))]
    assert seen == [False, False, True, False]


def test_the_owner_of_the_uart_is_known_from_the_description() -> None:
    guests = ("client1", "client2", "storage")
    consoles = consoles_of(example())
    assert consoles.names == guests
    assert consoles.marks == {name: name.removesuffix("_vmm") for guest in guests for name in (guest, f"{guest}_vmm")}
    assert consoles.uart is None
    assert tuple(consoles.places) == guests
    assert consoles_of(example("guest.storage.devices=['virtio_mmio31', 'uart']")).uart == "storage"
