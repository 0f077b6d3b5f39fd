"""`sdfgen import`: a system file that others wrote as a description."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from sdfgen.commands.telling import give_up, put, report, tell, usage
from sdfgen.existing.request import Request
from sdfgen.importing.convert import import_system
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from typing import NoReturn

_STANDARD = "-"


class ImportRequest(NamedTuple):
    """What somebody asks to be imported; all but the first ones are as in `Request`.

    Attributes:
        out: The description to write, `-` for standard output.
        force: Write over one that is there.
        style: How faults are shown.
    """

    out: str
    force: bool
    style: str
    path: str
    board: str | None
    microkit: str | None
    config: str | None
    includes: tuple[str, ...]
    search: tuple[str, ...]
    trees: tuple[str, ...]
    numbers: tuple[str, ...]
    elves: tuple[str, ...]


def import_and_tell(request: ImportRequest) -> None:
    """Import a system file, and say what was taken for granted.

    Leaves with status 1, and without having written anything, when the description would not make the same system.
    """
    to_standard = request.out == _STANDARD
    if to_standard and request.style != "text":
        usage(f"faults as {request.style} go to standard output: name a file for the description")
    if not to_standard and not request.force and os.path.lexists(request.out):
        _is_there(request.out)
    with suppress(OSError, ValueError):  # what cannot be compared is told where it is read or written
        if not to_standard and os.path.samefile(request.path, request.out):
            usage("the description would be written over the system file")
    fields = {name: value for name, value in request._asdict().items() if name in Request._fields}
    imported = import_system(Request(**fields), "." if to_standard else os.path.dirname(request.out) or ".")
    report(imported, request.style)
    if imported.text is None:  # only errors keep it from being made, and `report` left
        return
    if to_standard:
        put(imported.text)
    else:
        _write(request.out, imported.text, force=request.force)
    said = f" ({'; '.join(imported.said)})" if imported.said else ""
    made = "the description" if to_standard else request.out
    tell(f"{request.path}: {made} makes the same system{said}\n", "json" if to_standard else request.style)


def _is_there(path: str) -> NoReturn:
    give_up(f"{path} is there already; --force writes over it")


def _write(path: str, text: str, *, force: bool) -> None:
    """Write a file whole or not at all, and over another one only when that is asked for."""
    unfinished = f"{path}.{os.getpid()}.new"
    try:
        try:
            with open(unfinished, "w", encoding="utf-8") as file:
                file.write(text)
            _put(unfinished, path, force=force)
        finally:
            with suppress(OSError, ValueError):
                os.unlink(unfinished)
    except FileExistsError:
        _is_there(path)
    except (OSError, ValueError) as error:
        give_up(f"{path}: {getattr(error, 'strerror', None) or error}")


def _put(unfinished: str, path: str, *, force: bool) -> None:
    """Give a finished file its name, which nobody else has meanwhile given to another unless that is allowed.

    Raises:
        FileExistsError: When somebody has.
    """
    if not force:
        try:
            os.link(unfinished, path)
        except OSError:  # or the file system has no links
            if os.path.lexists(path):
                raise FileExistsError from None
        else:
            return
    os.replace(unfinished, path)
