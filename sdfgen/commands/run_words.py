"""What the command line of `sdfgen run` has, held against the system."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.faults.fault import suggestion
from sdfgen.records import NamedTuple
from sdfgen.run.script import nobody
from sdfgen.run.status import RunError, UsageError

if TYPE_CHECKING:
    from sdfgen.model.system import System
    from sdfgen.run.console import Consoles


class RunRequest(NamedTuple):
    """The arguments of `sdfgen run`."""

    description: str
    settings: tuple[str, ...] = ()
    boards: tuple[str, ...] = ()
    style: str = "text"
    out: str | None = None
    jobs: int = 0
    quiet: bool = False
    verbose: bool = False
    loader: str | None = None
    disks: tuple[str, ...] = ()
    table: str = "gpt"
    sizes: tuple[str, ...] = ()
    fills: tuple[str, ...] = ()
    keep: bool = False
    console: str | None = None
    raw: bool = False
    expect: tuple[str, ...] = ()
    send: tuple[str, ...] = ()
    script: str | None = None
    steps: tuple[tuple[str, str], ...] = ()
    stats: bool = False
    stats_every: int = 0
    timeout: int = 0
    extra: tuple[str, ...] = ()


def check_words(request: RunRequest, consoles: Consoles, *, has_terminals: bool) -> None:
    """Refuse what the command line has and this system has no use for.

    Args:
        request: The command line.
        consoles: The guests.
        has_terminals: Somebody can be typed to.

    Raises:
        UsageError: With the place in the description.
    """
    if request.console is not None and request.console not in consoles.names:
        raise _no_console(request.console, consoles)
    if request.raw and not has_terminals:
        raise nobody("--raw", consoles)
    if request.extra and not request.extra[0].startswith("-"):
        raise UsageError(f"{request.extra[0]}: one description is run; arguments for QEMU begin with `-`, behind `--`")


def _no_console(name: str, consoles: Consoles) -> UsageError:
    """Return what is told of a console that nobody has."""
    message = f"--console {name}: there is no guest {name!r}{suggestion(name, consoles.names)}"
    return UsageError(message, consoles.place(name), f"the guests are {', '.join(consoles.names) or 'none'}")


def named_disks(request: RunRequest, system: System) -> dict[str, str]:
    """Return the disk images that the command line names, by the names of the system's disks.

    Args:
        request: The command line.
        system: The system.

    Raises:
        UsageError: When a disk is none of the system's.
    """
    names = [storage.name for storage in system.storage]
    found: dict[str, str] = {}
    for text in request.disks:
        name, equals, path = text.partition("=")
        if not names:
            where = system.origin.at("name")
            raise UsageError(f"--disk {text}: nothing in this system drives a disk", where, "add [block]")
        if not (equals and name in names):
            if len(names) > 1 or (equals and not os.path.exists(text)):
                raise _no_disk(text, system)
            name, path = names[0], text
        if os.path.exists(path) and (request.sizes or request.fills):
            raise UsageError(f"--disk {text}: exists and is used as it is, without --disk-size and --fill")
        found[name] = path
    return found


def _no_disk(text: str, system: System) -> UsageError:
    """Return what is told of a disk that nothing drives."""
    first, *others = system.storage
    names = ", ".join(storage.name for storage in system.storage)
    notes = tuple((storage.origin.at("name"), f"`{storage.name}`") for storage in others)
    message = f"--disk {text}: write NAME=FILE"
    return UsageError(message, first.origin.at("name"), f"the names of disks here: {names}", notes)


def chosen(systems: list[System]) -> System:
    """Return the system of the only board that QEMU can run.

    Args:
        systems: The systems, one for each board.

    Raises:
        RunError: When there is none, or more than one.
    """
    where = systems[0].origin.at("boards")
    able = [system for system in systems if system.board.facts.qemu is not None]
    if not able:
        names = ", ".join(system.board.name for system in systems)
        advice = "choose another board, or add one (docs/boards.md)"
        raise RunError(f"QEMU can't run {names}: no [qemu] section in the board file", where, advice)
    if len(able) > 1:
        names = ", ".join(system.board.name for system in able)
        raise UsageError(f"QEMU can run {names}, one at a time", where, "choose one with --board")
    return able[0]
