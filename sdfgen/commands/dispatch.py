"""What the everyday commands do, apart from the command line."""

from __future__ import annotations

import os
import sys

from sdfgen.commands.options import USUAL
from sdfgen.commands.telling import give_up, report, tell, usage
from sdfgen.records import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


def run(command: str, values: dict[str, Any]) -> None:
    """Run a command; one that is interrupted says so in a line, and nothing it started is left behind.

    Args:
        command: `check`, `build`, `verify`, `run`, `show`, `why`, `diff` or `import`.
        values: Its parameters by name.
    """
    try:
        _run(command, values)
        sys.stdout.flush()
    except KeyboardInterrupt as error:
        from sdfgen.interrupts import told

        said, status = told(error)
        sys.stderr.write(f"sdfgen: {said}\n")
        sys.exit(status)
    except BrokenPipeError:
        # Nobody reads on; nothing is left to be said, not even when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _run(command: str, values: dict[str, Any]) -> None:
    if command == "build":
        from sdfgen.commands.build import Request, build_and_tell

        build = Request(**values)
        tell(build_and_tell(build), build.style)
    elif command == "verify":
        from sdfgen.commands.verify import VerifyRequest, verify_and_tell

        verification = VerifyRequest(**values)
        tell(verify_and_tell(verification), verification.style)
    elif command == "run":
        from sdfgen.commands.run import run_and_tell
        from sdfgen.commands.run_words import RunRequest

        if values["description"].startswith("-"):  # behind `--`, where no description stands
            values["extra"] = (values["description"], *values["extra"])
            values["description"] = USUAL
        sys.exit(run_and_tell(RunRequest(**values)))
    elif command == "show":
        from sdfgen.commands.show import show

        show(**values)
    elif command == "why":
        from sdfgen.commands.why import why

        why(**values)
    elif command == "diff":
        from sdfgen.commands.diff import diff

        diff(**values)
    elif command == "import":
        from sdfgen.commands.import_ import import_and_tell

        import_and_tell(**values)
    else:
        check(**values)


def check(**values: Any) -> None:  # noqa: ANN401 - each parameter has its own type
    """Check descriptions and system files, and say everything that is wrong with them."""
    values["description"] = path = _what_is_here(values["description"])
    style = values["style"]
    if values["more"]:
        from sdfgen.commands.check import check_several

        check_several((path, *values["more"]), values)
        return
    from sdfgen.commands.options import LISTED

    if os.path.basename(path) == LISTED:
        from sdfgen.commands.check import check_listed

        check_listed(values)
        return
    if not path.endswith(".toml"):
        from sdfgen.commands.check import check_existing

        check_existing(values)
        return
    from sdfgen.commands.described import described

    _only_descriptions(values)
    result = described(path, values["settings"], values["boards"])
    if values["strict"]:
        result.faults.harden()
    report(result, style)
    if style == "text":
        sys.stdout.write(f"{path}: good for {', '.join(result.systems)}\n")


def _what_is_here(path: str) -> str:
    """Return what to check where nothing is named: a list of system files, or else a description."""
    from sdfgen.commands.options import LISTED

    if path != LISTED or os.path.lexists(LISTED):
        return path
    if not os.path.lexists(USUAL):
        give_up(f"there is neither {LISTED} nor {USUAL} here: name a description or a system file")
    return USUAL


def _only_descriptions(values: dict[str, Any]) -> None:
    """Leave with status 2 when an option is for system files only."""
    from sdfgen.commands.options import EXISTING

    for option in EXISTING:
        if values[option.name]:
            usage(f"{option.flags[0]} is for system files, and a description says that itself")
