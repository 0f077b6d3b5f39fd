"""What is wrong with a text that is no TOML, in the words of somebody who writes one for the first time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sdfgen.faults.fault import Fault
from sdfgen.faults.place import Span
from sdfgen.faults.source import Where
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from sdfgen.faults.source import Source

_SYNTAX_ERROR: Final = re.compile(
    r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$", re.DOTALL
)
_SEE: Final = "see https://toml.io/en/v1.0.0"
_XML: Final = re.compile(r"\s*<[!?A-Za-z]")
_HEADER: Final = re.compile(r"\s*\[")
_KEY: Final = re.compile(r"""\s*(?P<key>[\w-]+|"[^"]*"|'[^']*')\s*=""")
_WAITS: Final = re.compile("Unclosed|Invalid value")
"""What tomllib says where a bracket is open still."""
_OPENS: Final = re.compile(r"""\s*(?P<key>[\w-]+)\s*=[^\[{"']*(?P<bracket>[\[{])[^\]}]*$""")
_CLOSES: Final = {"[": "]", "{": "}"}


class _Hint(NamedTuple):
    """What a mistake looks like, and what is said of it.

    Attributes:
        what: Of tomllib's words.
        line: Of the line, up to the column.
        rest: Of the line, from the column on.
        message: What is wrong; with groups of the three.
        advice: What to do about it; likewise.
    """

    what: str
    line: str
    rest: str
    message: str
    advice: str


_HINTS: Final = (
    _Hint(
        "Cannot declare .* twice",
        r"\s*\[\[?(?P<name>[^\[\]]+)",
        "",
        "`{name}` is begun twice",
        "write [[{name}]] each time for several of them, or put all keys below one [{name}]",
    ),
    _Hint(
        "Cannot overwrite a value",
        r"\s*\[\[(?P<name>[^\[\]]+)\]?",
        "",
        "`{name}` is no array of tables above",
        "write [[{name}]] each time for several of them, or put all keys below one [{name}]",
    ),
    _Hint(
        "Cannot mutate immutable namespace|Cannot overwrite a value",
        r"\s*\[(?P<name>[^\[\]]+)",
        "",
        "`{name}` has a value already",
        "write it in one way: as `key = …`, or below a heading of its own",
    ),
    _Hint(
        "Invalid value",
        "",
        "[\u201c-\u201f\u2018-\u201b\u00ab](?P<word>[^\u2018-\u201f\u00ab\u00bb]*)",
        "quotes of text are straight",
        'write "{word}"',
    ),
    _Hint("Invalid value", "", r"(?P<word>[Tt]rue|TRUE)\b", "`{word}` is no value", "write true"),
    _Hint("Invalid value", "", r"(?P<word>[Ff]alse|FALSE)\b", "`{word}` is no value", "write false"),
    _Hint(
        "Invalid value|Expected newline or end of document after a statement|Unclosed array|Unclosed inline table",
        r".*[=\[,]\s*(?P<number>\d[\d_.]*\s*)?",
        r"(?P<word>[A-Za-z/.~][^\s,\]}#\"']*)",
        "text is written in quotes",
        'write "{number}{word}"',
    ),
    _Hint(
        r"Illegal character '\\n'|Unterminated string",
        r".*?(?P<quote>[\"'])(?P<word>[^\"']*)",
        "",
        "text does not end on the line that it begins on",
        "write {quote}{word}{quote}",
    ),
    _Hint(
        "Expected '=' after a key in a key/value pair",
        r"\s*(?P<key>[\w-]+)\s*",
        ":\\s*(?P<word>\\S.*)?",
        "a key has `=` behind it",
        "write {key} = …",
    ),
    _Hint(
        r"Expected '\]+' at the end of an? \w+ declaration",
        r"\s*\[\[?(?P<name>[^\[\]]+)\]?",
        "",
        "a heading has as many brackets behind it as before it",
        "write [{name}] for one table, [[{name}]] for one of several",
    ),
    _Hint(r"Unescaped '\\' in a string", "", "", "a backslash begins an escape", "write two, or / between folders"),
)


def syntax_fault(source: Source, error: str) -> Fault:
    """Return the fault of a text that tomllib has refused.

    Args:
        source: The text.
        error: What tomllib says.
    """
    match = _SYNTAX_ERROR.match(error)
    what = match["what"] if match else error
    if match and match["line"]:
        span = Span(int(match["line"]), int(match["column"]), 1)
    else:
        lines = source.text.rstrip("\n").split("\n")
        span = Span(len(lines), len(lines[-1]) + 1, 1)
    if _XML.match(source.text):
        advice = f"`sdfgen check` checks a system file, and `sdfgen import {source.name}` makes a description of it"
        return Fault("SDF002", "this is XML; a description is TOML", Where(source), advice, span=Span(1, 1, 1))
    again = _written_twice(source, span) if what.startswith("Cannot overwrite a value") else None
    if again is not None:
        return again
    message, advice = _hint(what, source.line(span.line), span.column)
    unclosed = _unclosed(source, span) if advice == _SEE and _WAITS.match(what) else None
    if unclosed is not None:
        return unclosed
    return Fault("SDF002", f"not valid TOML: {message}", Where(source), advice, span=span)


def _hint(what: str, line: str, column: int) -> tuple[str, str]:
    """Return what to say of an error, and what to do about it."""
    for hint in _HINTS:
        found = (
            re.match(hint.what, what),
            re.fullmatch(hint.line or ".*", line[: column - 1]),
            re.match(hint.rest, line[column - 1 :]),
        )
        if all(found):
            groups = {name: text or "" for one in found if one is not None for name, text in one.groupdict().items()}
            return hint.message.format(**groups), hint.advice.format(**groups)
    return what[:1].lower() + what[1:], _SEE


def _unclosed(source: Source, span: Span) -> Fault | None:
    """Return the fault of the nearest bracket before a place that its own line does not close."""
    behind = ""
    for number in range(span.line, 0, -1):
        match = _OPENS.match(source.line(number))
        behind = source.line(number) + behind
        if match is not None:
            bracket = match["bracket"]
            if behind.count(bracket) <= behind.count(_CLOSES[bracket]):
                return None
            place = Span(number, match.start("bracket") + 1, 1)
            message = f"not valid TOML: the `{bracket}` of `{match['key']}` is not closed"
            return Fault("SDF002", message, Where(source), f"write {_CLOSES[bracket]} behind what is in it", span=place)
    return None


def _written_twice(source: Source, span: Span) -> Fault | None:
    """Return the fault of a key that its table has already, if that can be seen line by line."""
    match = _KEY.match(source.line(span.line))
    if match is None:
        return None
    for number in range(span.line - 1, 0, -1):
        line = source.line(number)
        if _HEADER.match(line):
            return None
        before = _KEY.match(line)
        if before is not None and before["key"] == match["key"]:
            message = f"key `{match['key']}` is written twice: in line {number}, too"
            place = Span(span.line, match.start("key") + 1, len(match["key"]))
            return Fault("SDF002", message, Where(source), "remove one of them", span=place)
    return None
