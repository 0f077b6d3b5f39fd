"""The kernel command line of a guest."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.facts.board import Board
    from sdfgen.model.guest import Guest

MOST_BYTES = 2047
"""COMMAND_LINE_SIZE of arm64 (arch/arm64/include/uapi/asm/setup.h), less the zero at the end."""
EMULATED_CONSOLE = "ttyAMA0"
"""The first PL011 that Linux finds; a guest has no other."""


def command_line(board: Board, guest: Guest, *, own_tree: bool) -> str:
    """Join the words for the kernel command line; those of the description's author come last, so that they win.

    The board's own tree has all the board's CPUs, and a guest some of them.

    Args:
        board: The board.
        guest: The guest.
        own_tree: It runs on the board's own tree, for which the board file may have words too.
    """
    words = (
        *guest.own_bootargs,
        *guest.default_bootargs,
        *((f"nr_cpus={guest.cpus}", board.guest.bootargs) if own_tree else ()),
        f"console={guest.consoles[0]}" if guest.consoles else "",
        guest.bootargs,
    )
    return " ".join(word for word in words if word)


def words_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield the kernel's parameters in a command line, name and value each, up to a `--`.

    lib/cmdline.c, next_arg: words end at spaces outside of quotes, and a quote around a value is no part of it.

    Args:
        text: The command line.
    """
    for word in _words(text):
        name, _, value = word.partition("=")
        if word == "--":
            return
        yield name.strip('"').replace("-", "_"), value.strip('"')


def _words(text: str) -> Iterator[str]:
    word, quoted = "", False
    for letter in text:
        if letter.isspace() and not quoted:
            if word:
                yield word
            word = ""
            continue
        quoted ^= letter == '"'
        word += letter
    if word:
        yield word
