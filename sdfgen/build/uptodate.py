"""Whether a build would change anything: the answer costs milliseconds, and rests on contents.

Beside what was made lies a record of what it was made from: each file's content, and the stamp by which that can be
told without reading it (`stamps`). A file with another stamp, or one that does not tell, is hashed.
"""

from __future__ import annotations

import json
import os
import sys
import time

from sdfgen.build.digest import digest
from sdfgen.build.stamps import settle, stamp
from sdfgen.facts.data import ROOT
from sdfgen.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from sdfgen.build.contents import Entry

STATE = ".state.json"
_ENVIRONMENT = ("MICROKIT_SDK", "LIBVMM")
_MODE, _MODIFIED = 0, 4


class Made(NamedTuple):
    """What a build leaves for the next one.

    Attributes:
        inputs: What it was made from.
        outputs: SHA-256 of what was made, by path.
        times: Files whose time says when everything was last found as it should be, newer than every input.
        absent: Paths that were looked for in vain: with a file there, another thing would have been made.
        listed: Folders whose names decide something; one that is not there counts too.
        links: Where links must lead.
        uses_path: Programs were found by PATH.
        said: What the build said.
        warned: Its warnings.
    """

    inputs: Mapping[str, Entry]
    outputs: Mapping[str, str]
    times: Iterable[str]
    absent: Iterable[str]
    listed: Iterable[str]
    links: Mapping[str, str]
    uses_path: bool
    said: str
    warned: str


def is_up_to_date(out: str, arguments: Sequence[object]) -> tuple[str, str] | None:
    """Return what the last build of this output folder said and warned of, when nothing it depends on has changed.

    Args:
        out: The output folder.
        arguments: Everything that decides what is built.
    """
    try:
        state = _read(out)
        if state["key"] != _key(arguments, uses_path=state["uses_path"]):
            return None
        if any(map(os.path.lexists, state["absent"])) or state["listed"] != _listings(state["listed"]):
            return None
        if any(os.readlink(path) != target for path, target in state["links"].items()):
            return None
        renewed = [_renew(files) for files in (state["inputs"], state["outputs"])]
        if None in renewed:
            return None
        if any(renewed):
            _write(out, state)
        _renew_times(state["times"], state["inputs"])
        return str(state["said"]), str(state["warned"])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def _renew(files: dict[str, Any]) -> bool | None:
    """Hash what stamps do not tell of, and take new stamps of it.

    Returns:
        None when a content or a mode has changed; otherwise whether there are new stamps.
    """
    contents = None
    for path, (before, content, trusted) in files.items():
        now = stamp(path)
        if trusted and now == before:
            continue
        from sdfgen.build.contents import Contents

        contents = contents or Contents()
        entry = contents.entry(path)
        if entry.digest != content or entry.stamp[_MODE] != before[_MODE]:
            return None
        files[path] = entry
    return contents is not None


def _renew_times(paths: Iterable[str], inputs: Mapping[str, Entry]) -> None:
    """Let files be newer than every input: Make and CMake ask for no more."""
    newest_ns = max((entry[0][_MODIFIED] for entry in inputs.values()), default=0)
    for path in paths:
        if os.stat(path).st_mtime_ns <= newest_ns:
            now_ns = max(time.time_ns(), newest_ns + 1)
            os.utime(path, ns=(now_ns, now_ns))


def known_contents(out: str) -> dict[str, Entry]:
    """Return what the last build of an output folder knew of its inputs.

    Args:
        out: The output folder.
    """
    from sdfgen.build.contents import Entry

    try:
        return {path: Entry(*fields) for path, fields in _read(out)["inputs"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def remember(out: str, arguments: Sequence[object], made: Made) -> None:
    """Note what was built from what, for `is_up_to_date`.

    Args:
        out: The output folder.
        arguments: Everything that decided what was built.
        made: What was built.
    """
    from sdfgen.build.contents import Contents

    here = os.getcwd()
    contents = Contents()
    _renew_times(made.times, made.inputs)
    settle([stamp(path) for path in made.outputs])
    _write(
        out,
        {
            "key": _key(arguments, uses_path=made.uses_path),
            "uses_path": made.uses_path,
            "inputs": {os.path.join(here, path): entry for path, entry in made.inputs.items()},
            "outputs": {os.path.join(here, path): contents.entry(path, sha) for path, sha in made.outputs.items()},
            "times": [os.path.join(here, path) for path in made.times],
            "absent": [os.path.join(here, path) for path in made.absent],
            "listed": _listings(os.path.join(here, path) for path in made.listed),
            "links": {os.path.join(here, path): target for path, target in made.links.items()},
            "said": made.said,
            "warned": made.warned,
        },
    )


def _read(out: str) -> dict[str, Any]:
    with open(os.path.join(out, STATE), encoding="utf-8") as file:
        return json.load(file)  # type: ignore[no-any-return]


def _write(out: str, state: dict[str, Any]) -> None:
    path = os.path.join(out, STATE)
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(state, file)
    os.replace(f"{path}.new", path)


def _key(arguments: Sequence[object], *, uses_path: bool) -> list[object]:
    names = (*_ENVIRONMENT, "PATH") if uses_path else _ENVIRONMENT
    settings = [os.environ.get(name) for name in names]
    key = [*arguments, os.getcwd(), settings, sys.version, sys.prefix, _tool()]
    return json.loads(json.dumps(key))  # type: ignore[no-any-return]


def _listings(folders: Iterable[str]) -> dict[str, list[str] | None]:
    return {folder: sorted(os.listdir(folder)) if os.path.isdir(folder) else None for folder in folders}


def _tool() -> str:
    """Return what tells this version of the tool from any other: the stamps of its own files."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    beside = os.path.join(os.path.dirname(package), "patcher")
    roots = (package, beside, os.path.join(ROOT, "templates"), os.path.join(ROOT, "boards"))
    return digest(repr([file for root in roots for file in _files(root)]).encode())


def _files(folder: str) -> list[tuple[str, int, int, int, int]]:
    """Return names and stamps of a folder's files, but for what Python made of them."""
    found = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                found += _files(entry.path) if entry.name != "__pycache__" else []
            else:
                of = entry.stat()
                found.append((entry.path, of.st_size, of.st_ino, of.st_mtime_ns, of.st_ctime_ns))
    return found
