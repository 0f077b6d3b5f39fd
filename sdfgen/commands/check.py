"""`sdfgen check` of what others wrote: a system file, with what stands beside it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from sdfgen.commands.described import described
from sdfgen.commands.options import EXISTING, LISTED
from sdfgen.commands.telling import report, usage
from sdfgen.existing.examine import examine
from sdfgen.existing.plan import requests
from sdfgen.existing.request import Request
from sdfgen.faults.fault import Faults
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from typing import Any

    from sdfgen.existing.examine import Examined


def request_of(values: dict[str, Any]) -> Request:
    """Return what a command line asks for; leave with status 2 when it is for descriptions.

    Args:
        values: The parameters of `check` by name.
    """
    boards = values["boards"]
    if values["settings"]:
        usage("--set is for descriptions, and this is a system file")
    if len(boards) > 1:
        usage("a system file is for one board")
    options = {name: values[name] for name in Request._fields if name in values}
    return Request(path=values["description"], board=boards[0] if boards else None, **options)


def check_existing(values: dict[str, Any]) -> None:
    """Check a system file and say everything that is wrong with it.

    Leaves with status 1 when something is.

    Args:
        values: The parameters of `check` by name.
    """
    _tell([examine(request_of(values))], Faults(), values)


def check_listed(values: dict[str, Any]) -> None:
    """Check all system files that a file lists.

    Leaves with status 1 when something is wrong.

    Args:
        values: The parameters of `check` by name.
    """
    given = next((name for name in _NAMED if values[name]), None)
    if given is not None:
        usage(f"what `{LISTED}` checks stands in it")
    faults = Faults()
    _tell([examine(request) for request in requests(values["description"], faults)], faults, values)


def check_several(paths: tuple[str, ...], values: dict[str, Any]) -> None:
    """Check descriptions and system files together, and say everything that is wrong with any.

    Leaves with status 1 when something is.

    Args:
        paths: Their files.
        values: The parameters of `check` by name.
    """
    of_one = next((option.flags[0] for option in EXISTING if option.kind == "many" and values[option.name]), None)
    if of_one is not None:
        usage(f"{of_one} is for one system file; `{LISTED}` lists several, each with what stands beside it")
    faults = Faults()
    good, assumed = [], []
    for path in dict.fromkeys(paths):
        if os.path.basename(path) == LISTED:
            usage(f"{path} lists files, and is checked by itself")
        if path.endswith(".toml"):
            found = described(path, values["settings"], values["boards"])
            faults.extend(found.faults)
            good.append(f"{path}: good for {', '.join(found.systems)}\n")
        else:
            examined = examine(request_of({**values, "description": path, "settings": ()}))
            faults.extend(examined.faults)
            good.append(_good(examined))
            assumed += [f"{path}: {words}" for words in examined.said]
    if values["strict"]:
        faults.harden()
    report(_Told(faults), values["style"], assumed=assumed)
    if values["style"] == "text":
        sys.stdout.write("".join(good))


_NAMED = ("settings", "boards", "microkit", "config", "includes", "search", "trees", "numbers", "defines", "elves")


def _tell(results: list[Examined], faults: Faults, values: dict[str, Any]) -> None:
    """Show all faults at once, and what is good."""
    style = values["style"]
    if values["strict"]:
        faults.harden()
    for result in results:
        faults.extend(result.faults)
        if style == "text" and result.said and result.faults.errors:
            sys.stderr.write(f"{result.request.path}: {'; '.join(result.said)}\n")
    report(_Told(faults), style, assumed=[f"{one.request.path}: {words}" for one in results for words in one.said])
    for result in results if style == "text" else ():
        sys.stdout.write(_good(result))


def _good(result: Examined) -> str:
    said = f" ({'; '.join(result.said)})" if result.said else ""
    return f"{result.request.path}: good{said}\n"


class _Told(NamedTuple):
    faults: Faults
