"""The options of the everyday commands, once: for the quick parser and for click."""

from __future__ import annotations

from sdfgen.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any


class Option(NamedTuple):
    """An option of a command.

    Attributes:
        name: The parameter it sets.
        flags: How it is written; a flag that takes no value has its opposite last.
        help: What it does.
        kind: `value`, `many` (may be given again), `switch` (takes no value) or `flag` (a switch without an opposite).
        default: Its value when left out.
        choices: The values it takes, when they are few.
        metavar: What its value is called.
    """

    name: str
    flags: tuple[str, ...]
    help: str
    kind: str = "value"
    default: Any = None
    choices: tuple[str, ...] = ()
    metavar: str | None = None


_DESCRIBED = (
    Option("settings", ("--set",), "Override one value of the description.", "many", (), metavar="PATH=VALUE"),
    Option("boards", ("--board",), "Only this board.", "many", (), metavar="NAME"),
    Option(
        "style",
        ("--format",),
        "How faults are shown.",
        default="text",
        choices=("text", "json", "github", "sarif"),
    ),
)
_STRICT = Option("strict", ("-W", "--warnings-as-errors"), "Let warnings be errors.", "flag", default=False)
_OUT = Option("out", ("-o", "--out"), "Output folder; `build` beside the description by default.", metavar="FOLDER")
_JOBS = Option("jobs", ("-j", "--jobs"), "Steps at once; 0 lets Ninja choose.", default=0, metavar="N")
_TALK = (
    Option("quiet", ("-q", "--quiet"), "Say nothing but faults.", "flag", default=False),
    Option("verbose", ("-v", "--verbose"), "Show every step, with its command.", "flag", default=False),
)
_BUILT = (
    _OUT,
    Option("compile_", ("--compile", "--no-compile"), "Compile and patch too.", "switch", default=True),
    _JOBS,
    Option("depfile", ("--depfile",), "Write a Make depfile with paths as they are from here.", metavar="FILE"),
    Option("stamp", ("--stamp",), "Let a file be newer than every input: one target for all boards.", metavar="FILE"),
    *_TALK,
)
_RUN = (
    _OUT,
    _JOBS,
    *_TALK,
    Option("loader", ("--loader",), "Run this image instead of building one.", metavar="FILE"),
    Option(
        "disks",
        ("--disk",),
        "A disk: used as it is, or made there when it is missing.",
        "many",
        (),
        metavar="[NAME=]FILE",
    ),
    Option("table", ("--table",), "The partition table of a new disk.", default="gpt", choices=("gpt", "mbr")),
    Option("sizes", ("--disk-size",), "Size of all partitions, or of one.", "many", (), metavar="[CLIENT=]SIZE"),
    Option("fills", ("--fill",), "What a client's partition begins with.", "many", (), metavar="CLIENT=FILE"),
    Option("keep", ("--keep", "--no-keep"), "Keep the disk that is made for this run.", "switch", default=False),
    Option("console", ("--console",), "Show only this guest; it has the input at first.", metavar="NAME"),
    Option("raw", ("--raw",), "Begin in full screen, of the console that has the input.", "flag", default=False),
    Option("expect", ("--expect",), "End when all of these were seen.", "many", (), metavar="[GUEST:]REGEX"),
    Option("send", ("--send",), "Type this when all before it was seen.", "many", (), metavar="GUEST:TEXT"),
    Option("script", ("--script",), "Lines `send GUEST:TEXT` and `expect REGEX`, in order.", metavar="FILE"),
    Option("stats", ("--stats",), "Print what is counted, at the end and on SIGUSR1.", "flag", default=False),
    Option("stats_every", ("--stats-every",), "And every so many seconds.", default=0, metavar="S"),
    Option("timeout", ("--timeout",), "Seconds it may take; 0 for any number.", default=0, metavar="S"),
)
EXISTING = (
    Option("microkit", ("--microkit",), "Of a system file: the Microkit version.", metavar="VERSION"),
    Option("config", ("--config",), "Of a system file: the Microkit configuration.", metavar="CONFIG"),
    Option("includes", ("--include",), "Of a system file: more may be included from here.", "many", (), metavar="DIR"),
    Option("search", ("--search-path",), "Of a system file: where its files are.", "many", (), metavar="DIR"),
    Option("trees", ("--dts", "--dtb"), "A guest's device tree, in parts.", "many", (), metavar="[MACHINE=]FILE"),
    Option("numbers", ("--c",), "A VMM's C file with numbers.", "many", (), metavar="[MACHINE=]FILE"),
    Option("defines", ("--define",), "A macro for device trees and C files.", "many", (), metavar="NAME[=VALUE]"),
    Option("elves", ("--elf",), "A program image.", "many", (), metavar="DOMAIN=FILE"),
)
"""Of a system file: what decides how it is read, and then what stands beside it."""
LISTED = "sdfgen-check.toml"
"""What `check` is given when it is given nothing: a list of system files; without one, the description."""
USUAL = "system.toml"
"""What descriptions are called."""
_BOARD = Option("board", ("--board",), "For this board; the description's first by default.", metavar="NAME")
_READ = EXISTING[:4]
"""Of them, what decides how a system file is read."""
_VIEWED = (_DESCRIBED[0], _BOARD, *_READ)


def _form(*choices: str) -> Option:
    return Option("form", ("--format",), "What to write.", default=choices[0], choices=choices)


_FILE = Option("out", ("-o", "--out"), "Write it to a file.", metavar="FILE")
_IMPORTED = (
    Option("out", ("-o", "--out"), "The description; `-` for standard output.", default=USUAL, metavar="FILE"),
    Option("force", ("--force",), "Write over a file that is there.", "flag", default=False),
    _BOARD._replace(help="The board that it is for."),
    _DESCRIBED[-1],
)
COMMANDS = {
    "check": (*_DESCRIBED, _STRICT, *EXISTING),
    "build": (*_DESCRIBED, _STRICT, *_BUILT),
    "run": (*_DESCRIBED, *_RUN),
    "verify": (*_DESCRIBED, _OUT),
    "show": (*_VIEWED, _form("text", "mermaid", "dot", "svg", "html", "json"), _FILE),
    "why": (*_VIEWED, _form("text", "json")),
    "diff": (_DESCRIBED[0], _BOARD._replace(help="Only this board."), *_READ, _form("text", "markdown", "json")),
    "import": (*_IMPORTED, *EXISTING),
}
"""Options of the everyday commands."""
_ONE_DESCRIPTION = (("description", USUAL),)
ARGUMENTS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "check": (("description", LISTED),),
    "why": (("thing", None), ("description", USUAL)),
    "diff": (("before", None), ("after", None)),
    "import": (("path", None),),
}
"""What those commands take that take other than a description, each with what it is when left out; None for nothing."""
MORE = frozenset({"check"})
"""Commands that take any number of what they take: those behind the first are their `more`."""


ORDERED = "run"
"""The command of which it counts in what order some options stand."""


def steps(arguments: list[str]) -> tuple[tuple[str, str], ...]:
    """Return what `run` is to type and to see, in the order in which it stands on a command line.

    Args:
        arguments: The words.

    Returns:
        `send` or `expect`, each with its text.
    """
    found: list[tuple[str, str]] = []
    words = iter(arguments)
    for word in words:
        flag, equals, value = word.partition("=")
        if word == "--":
            break
        if flag.startswith("--") and flag[2:] in {"send", "expect"}:
            found.append((flag[2:], value if equals else next(words, "")))
    return tuple(found)


def arguments_of(command: str) -> tuple[tuple[str, str | None], ...]:
    """Return what a command takes beside options, each with what it is when left out.

    Args:
        command: The command.
    """
    return ARGUMENTS.get(command, _ONE_DESCRIPTION)


def parse(arguments: list[str]) -> tuple[str, dict[str, Any]] | None:
    """Read a plain command line without click, whose import costs as much as the work.

    Args:
        arguments: The words after the program's name.

    Returns:
        The command and its parameters; None for whatever is not plain, which is click's to judge.
    """
    if not arguments or arguments[0] not in COMMANDS:
        return None
    options = COMMANDS[arguments[0]]
    by_flag = {flag: option for option in options for flag in option.flags}
    values = {option.name: option.default for option in options}
    given: list[str] = []
    words = iter(arguments[1:])
    for word in words:
        option = by_flag.get(word)
        if option is not None and option.kind in {"switch", "flag"}:
            values[option.name] = option.kind == "flag" or word != option.flags[-1]
        elif option is not None:
            value = next(words, None)
            if not _plain(option, value):
                return None
            values[option.name] = _taken(option, values[option.name], value)
        elif word.startswith("-"):
            return None
        else:
            given.append(word)
    if arguments[0] == ORDERED:
        values["steps"] = steps(arguments[1:])
    return _with_arguments(arguments[0], values, given)


def _with_arguments(command: str, values: dict[str, Any], given: list[str]) -> tuple[str, dict[str, Any]] | None:
    """Add what stands beside options; None for too much or too little."""
    wanted = arguments_of(command)
    if command in MORE:
        values["more"], given = tuple(given[len(wanted) :]), given[: len(wanted)]
    missing = wanted[len(given) :]
    if len(given) > len(wanted) or any(default is None for _, default in missing):
        return None
    return command, values | dict(wanted) | dict(zip((name for name, _ in wanted), given, strict=False))


def _plain(option: Option, value: str | None) -> bool:
    if value is None or value.startswith("-"):
        return False
    if option.choices:
        return value in option.choices
    return not isinstance(option.default, int) or (value.isascii() and value.isdigit())


def _taken(option: Option, before: Any, value: str | None) -> Any:  # noqa: ANN401 - options have their own types
    if option.kind == "many":
        return (*before, value)
    return int(value or 0) if isinstance(option.default, int) else value
