"""Colours for faults on a terminal. The text is the same without them: it is kept, compared and read by others."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

_BOLD, _RED, _YELLOW, _CYAN, _GREEN = "1", "1;31", "1;33", "1;36", "1;32"
_SEVERITIES = {"error": _RED, "warning": _YELLOW, "note": _CYAN}
_HEAD = re.compile(r"^(\S.*?:\d+:\d+:) (error|warning|note)(\[\w+\]:) (.*)$", re.MULTILINE)
_REST = {
    re.compile(r"^(  )(\S.*?:\d+:\d+: note:)", re.MULTILINE): _CYAN,
    re.compile(r"^(  )(help:)", re.MULTILINE): _GREEN,
    re.compile(r"^( +\| +)(\^+)$", re.MULTILINE): _BOLD,
}


def has_colours(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal whose user wants colours (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def coloured(text: str) -> str:
    """Return faults that were rendered as text with colours.

    Args:
        text: What `render.as_text` has made.
    """
    text = _HEAD.sub(_head, text)
    for pattern, colour in _REST.items():
        text = pattern.sub(f"\\g<1>\x1b[{colour}m\\g<2>\x1b[0m", text)
    return text


def _head(found: re.Match[str]) -> str:
    place, severity, code, message = found.groups()
    return f"{_in(_BOLD, place)} {_in(_SEVERITIES[severity], severity + code)} {_in(_BOLD, message)}"


def _in(colour: str, text: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m"
