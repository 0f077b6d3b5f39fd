"""`sdfgen import`: a system file that others wrote as a description."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from sdfgen.commands.telling import give_up, put, report, tell, usage
from sdfgen.existing.request import Request
from sdfgen.importing.convert import import_system

if TYPE_CHECKING:
    from typing import Any, NoReturn

_STANDARD = "-"


def import_and_tell(out: str, style: str, *, force: bool, **asked: Any) -> None:  # noqa: ANN401 - those of Request
    """Import a system file, and say what was taken for granted.

    Leaves with status 1, and without having written anything, when the description would not make the same system.

    Args:
        out: The description to write, `-` for standard output.
        style: How faults are shown.
        force: Write over a file that is there.
        asked: What to import, as `Request` has it.
    """
    request, to_standard = Request(**asked), out == _STANDARD
    if to_standard and style != "text":
        usage(f"faults as {style} go to standard output: name a file for the description")
    if not to_standard:
        _look(request.path, out, force=force)
    imported = import_system(request, "." if to_standard else os.path.dirname(out) or ".")
    report(imported, style)
    if imported.text is None:  # only errors keep it from being made, and `report` left
        return
    if to_standard:
        put(imported.text)
    else:
        _write(out, imported.text, force=force)
    said = f" ({'; '.join(imported.said)})" if imported.said else ""
    made = "the description" if to_standard else out
    tell(f"{request.path}: {made} makes the same system{said}\n", "json" if to_standard else style)


def _look(path: str, out: str, *, force: bool) -> None:
    """Leave when the description would be written over something that it must not be written over."""
    with suppress(OSError, ValueError):  # what cannot be looked at is told where it is read or written
        if not force and os.path.lexists(out):
            _is_there(out)
        if os.path.samefile(path, out):
            usage("the description would be written over the system file")


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
