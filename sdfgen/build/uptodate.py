"""Whether a build would change anything, from file times alone: the answer costs milliseconds."""

from __future__ import annotations

import json
import os
import sys

from sdfgen.facts.data import ROOT
from sdfgen.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

STATE = ".state.json"
_ENVIRONMENT = ("MICROKIT_SDK", "LIBVMM")


def is_up_to_date(out: str, arguments: Sequence[object]) -> tuple[str, str] | None:
    """Return what the last build of this output folder said and warned of, when nothing it depends on has changed.

    Args:
        out: The output folder.
        arguments: Everything that decides what is built.
    """
    try:
        with open(os.path.join(out, STATE), encoding="utf-8") as file:
            state = json.load(file)
        same = state["key"] == _key(arguments) and state["files"] == _stamps(state["files"])
        return (str(state["said"]), str(state["warned"])) if same else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(out: str, arguments: Sequence[object], files: Iterable[str], said: str, warned: str) -> None:
    """Note what was built from what, for `is_up_to_date`.

    Args:
        out: The output folder.
        arguments: Everything that decided what was built.
        files: Inputs and outputs.
        said: What the build said.
        warned: Its warnings.
    """
    state = {"key": _key(arguments), "files": _stamps(files), "said": said, "warned": warned}
    path = os.path.join(out, STATE)
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(state, file)
    os.replace(f"{path}.new", path)


def _key(arguments: Sequence[object]) -> list[object]:
    settings = [os.environ.get(name) for name in _ENVIRONMENT]
    return json.loads(json.dumps([*arguments, settings, sys.version, sys.executable, _tool()]))  # type: ignore[no-any-return]


def _tool() -> int:
    """Return the newest time of the tool's own files, so that a new version builds anew."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    roots = (package, os.path.join(ROOT, "templates"), os.path.join(ROOT, "boards"))
    return max(_newest(root) for root in roots)


def _newest(folder: str) -> int:
    newest = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                newest = max(newest, 0 if entry.name == "__pycache__" else _newest(entry.path))
            else:
                newest = max(newest, entry.stat().st_mtime_ns)
    return newest


def _stamps(files: Iterable[str]) -> dict[str, list[int]]:
    stamps = {}
    here = os.getcwd()
    for path in files:
        stat = os.stat(path)
        stamps[os.path.join(here, path)] = [stat.st_size, stat.st_mtime_ns]
    return stamps
