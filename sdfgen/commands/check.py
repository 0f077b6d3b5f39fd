"""`sdfgen check` of what others wrote: a system file, with what stands beside it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sdfgen.commands.telling import report, usage
from sdfgen.existing.examine import Request, examine

if TYPE_CHECKING:
    from typing import Any


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
    path, style = values["description"], values["style"]
    result = examine(request_of(values))
    said = "; ".join(result.said)
    if style == "text" and said and result.faults.errors:
        sys.stderr.write(f"{path}: {said}\n")
    report(result, style)
    if style == "text" and result.system is not None:
        sys.stdout.write(f"{path}: good{f' ({said})' if said else ''}\n")
