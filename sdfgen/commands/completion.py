"""What shells complete: commands and options by click, and here files, boards, guests and codes."""

from __future__ import annotations

import os
import tomllib
from typing import TYPE_CHECKING, Any

from click.shell_completion import CompletionItem, get_completion_class

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click

    Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

VARIABLE = "_SDFGEN_COMPLETE"
"""How a shell's function asks the program: click's convention."""
_DESCRIPTION = "system.toml"


def script(shell: str, group: click.Group) -> str:
    """Return what a shell reads to complete commands.

    Args:
        shell: `bash`, `zsh` or `fish`.
        group: The command line.
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise ValueError(f"no completion for {shell!r}")
    return kind(group, {}, "sdfgen", VARIABLE).source()


def completer(of: str) -> Completer:
    """Return what completes a parameter.

    Args:
        of: What it takes: a key of `_WORDS`, `file` or `dir`.
    """

    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        if of not in _WORDS:
            return [CompletionItem(incomplete, type=of)]
        try:
            words = _WORDS[of](context)
        except (OSError, ValueError, TypeError, AttributeError):
            return []  # whatever is being written just now
        return [CompletionItem(word) for word in words if word.startswith(incomplete)]

    return complete


def _boards(context: click.Context) -> Iterable[str]:
    from sdfgen.facts.board import board_files

    return board_files(os.path.dirname(_description(context)))


def _guests(context: click.Context) -> Iterable[str]:
    with open(_description(context), "rb") as file:
        tree: dict[str, Any] = tomllib.load(file)
    return [guest["name"] for guest in tree.get("guest", ()) if isinstance(guest.get("name"), str)]


def _codes(_: click.Context) -> Iterable[str]:
    from sdfgen.commands.reference import all_codes

    return all_codes()


def _description(context: click.Context) -> str:
    """Return the description on the command line, wherever click has put it: the words are not all there yet."""
    given = context.params.get("description") or ()
    words = [*context.args, *((given,) if isinstance(given, str) else given)]
    return next((word for word in words if word.endswith(".toml") and os.path.isfile(word)), _DESCRIPTION)


_WORDS: dict[str, Callable[[click.Context], Iterable[str]]] = {"board": _boards, "guest": _guests, "code": _codes}
