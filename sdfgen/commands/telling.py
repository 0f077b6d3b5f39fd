"""What commands write, and where to."""

from __future__ import annotations

import sys

from sdfgen.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn, Protocol

    from sdfgen.faults.fault import Fault, Faults

    class Judged(Protocol):
        """Whatever was read and judged."""

        @property
        def faults(self) -> Faults:
            """Everything that is wrong with it."""


def report(description: Judged, style: str, *, notes: bool = True, assumed: Sequence[str] = ()) -> str:
    """Show all faults and return what was shown; leave with status 1 when there are errors.

    Args:
        description: What was read.
        style: Of the output.
        notes: Whether people are told of what is legal and unusual, too; machines always are.
        assumed: What was taken for granted, which machines are told.
    """
    from sdfgen.faults.fault import Faults

    told = Faults()
    told.extend(fault for fault in description.faults if notes or style != "text" or fault.severity != "note")
    if not told and style == "text":
        return ""
    text = rendered(told.sorted(), style, assumed)
    show(text, style)
    if description.faults.errors:
        sys.exit(1)
    return text


def refuse(faults: list[Fault], style: str, status: int = 1) -> NoReturn:
    """Show faults that keep a command from being done, and leave with a status."""
    show(rendered(faults, style), style)
    sys.exit(status)


def rendered(faults: list[Fault], style: str, assumed: Sequence[str] = ()) -> str:
    """Return faults in a format; SARIF has the text of each rule in it.

    Args:
        faults: The faults.
        style: The format.
        assumed: What was taken for granted.
    """
    if style == "sarif":
        from sdfgen.commands.reference import explained
        from sdfgen.faults.sarif import as_sarif

        return as_sarif(faults, assumed, explained)
    from sdfgen.faults.render import FORMATS

    return FORMATS[style](faults, assumed)


def give_up(why: str) -> NoReturn:
    """Say in a line why a command can't be done, and leave with status 1."""
    from sdfgen.faults.render import one_line

    sys.stderr.write(f"sdfgen: {one_line(why)}\n")
    sys.exit(1)


def put(text: str) -> None:
    """Write what was asked for to standard output, with escapes for what its encoding does not have."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        give_up(f"standard output: {error.strerror or error}")


def show(faults: str, style: str) -> None:
    """Write rendered faults where those who read them look: machines to standard output."""
    if style != "text":
        sys.stdout.write(faults)
    elif sys.stderr.isatty():
        from sdfgen.faults.colour import coloured, has_colours

        sys.stderr.write(coloured(faults) if has_colours(sys.stderr) else faults)
    else:
        sys.stderr.write(faults)


def tell(text: str, style: str) -> None:
    """Write what is for people: to standard output, unless a machine reads faults there."""
    (sys.stdout if style == "text" else sys.stderr).write(text)


def usage(message: str) -> NoReturn:
    """Say what is wrong with a command line, and leave with status 2.

    Args:
        message: What is wrong.
    """
    sys.stderr.write(f"sdfgen: {message}\n")
    sys.exit(2)
