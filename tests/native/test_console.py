"""The consoles' C: multiplexer, UART driver and virtio-console by unit tests, and the multiplexer beside a model."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from .model.console import NAMES, QUEUE_BYTES, Act, handed_out, is_shown, lines_of, play, screen
from .model.programs import COMPILERS, QEMU, RING, check, command, listed, names
from .toolchain import C_TESTS, TEMPLATES_C, folders, include_flags, run

if TYPE_CHECKING:
    from pathlib import Path


class Unit(NamedTuple):
    """A program of unit tests, the product's files in it, and headers that stand in for the product's."""

    tests: tuple[str, ...]
    product: tuple[str, ...]
    instead: tuple[str, ...] = ()


SERIAL = folders("serial")
MUX = (*folders("console_mux"), *SERIAL, "pl011/console_line.c")
UNITS = {
    "console_mux": Unit(("console_mux_test.c",), MUX),
    "uart": Unit(("uart_test.c",), (*folders("uart"), *SERIAL), ("-I", os.path.join(C_TESTS, "uart_mock"))),
    "virtio_console": Unit(("virtio_console_test.c",), (*folders("virtio_console"), *SERIAL, *RING)),
    "shim": Unit(("console_shim.c",), MUX),
}
TESTED = [unit for unit in UNITS if unit != "shim"]


def build(programs: Path, name: str, compiler: str) -> tuple[str, ...]:
    """What runs a program."""
    unit, output = UNITS[name], str(programs / f"console_{name}_{compiler}")
    sources = [os.path.join(C_TESTS, test) for test in unit.tests]
    sources += [os.path.join(TEMPLATES_C, source) for source in unit.product]
    if not os.path.exists(output):
        run((*command(compiler), *unit.instead, *include_flags(), *sources, "-o", output))
    return (QEMU, output) if compiler == "aarch64" else (output,)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", TESTED)
def test_every_unit_test_is_run(programs: Path, name: str, compiler: str) -> None:
    assert listed(build(programs, name, compiler)) == names(UNITS[name].tests)


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(("name", "test"), [(name, test) for name in TESTED for test in names(UNITS[name].tests)])
def test_unit(programs: Path, name: str, test: str, compiler: str) -> None:
    check(build(programs, name, compiler), test)


@pytest.fixture(scope="module")
def shim(programs: Path) -> tuple[str, ...]:
    return build(programs, "shim", "gcc")


BYTES = st.lists(
    st.sampled_from(
        [b"\n", b"\r", b"\b", b"| ", b"ann| ", b"bob| ", b"\x1b[2J", b"\x00", b"x", b"login: ", b"y" * 300]
    ),
    max_size=12,
).map(b"".join)
KEYS = st.lists(st.sampled_from([b"\x1c", b"0", b"1", b"2", b"\r", b"\n", b"q", b"\x1c1\r", b"\x1c0\r"]), max_size=8)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("W"), st.integers(0, len(NAMES) - 1), BYTES),
        st.tuples(st.just("T"), st.none(), KEYS.map(b"".join)),
        st.tuples(st.just("P"), st.none(), st.none()),
        st.tuples(st.just("D"), st.integers(1, QUEUE_BYTES), st.none()),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([0, 2**32 - 5, 2**31]), ACTS)
@example(0, [("W", 0, b"a"), ("W", 1, b"b\n"), ("P", None, None), ("W", 0, b"\b\n")])
def test_everybody_is_shown_as_himself_and_hears_what_is_his(
    shim: tuple[str, ...], start: int, drawn: list[tuple[str, int | None, bytes | None]]
) -> None:
    acts = [
        Act(letter, tuple(str(one) if isinstance(one, int) else one.hex() for one in (number, data) if one is not None))
        for letter, number, data in drawn
        if data != b""
    ]
    outcome = play(shim, start, [*acts, Act("F")])
    written, typed, counts = [b""] * len(NAMES), b"", list(outcome.counts)
    for letter, number, data in drawn:
        if letter == "W" and number is not None and data:
            written[number] += data[: counts.pop(0)]
        elif letter == "T" and data:
            typed += data[: counts.pop(0)]
    assert counts == []
    assert outcome.received == handed_out(typed)[0]
    shown = screen(outcome.shown)
    for name, text in zip(NAMES, written, strict=True):
        assert is_shown(lines_of(text), [line for who, line in shown if who == name]), name
