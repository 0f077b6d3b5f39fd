"""Holds every file against its SHA-256 in the manifest: what was read and what was made."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from sdfgen import outputs
from sdfgen.faults.fault import Fault
from sdfgen.faults.place import Span
from sdfgen.faults.source import Text, Where
from sdfgen.verify.made import AGAIN, INPUT, MANIFEST, MISSING, START

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from sdfgen.verify.made import Made
    from sdfgen.verify.manifest import Manifest


def file_digest(path: str) -> str | None:
    """Return the SHA-256 of a file; None when it is missing, no file, or may not be read.

    Args:
        path: The file.
    """
    try:
        if not os.path.isfile(path):
            return None
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


def made_files(made: Made, manifest: Manifest, wanted: Iterable[str], told: AbstractSet[str]) -> Iterator[Fault]:
    """Yield what was made and is missing, is another, or was not made.

    Args:
        made: The folder.
        manifest: What the manifest says.
        wanted: Files that a build must have made.
        told: Files of which something more exact is known: their hash says nothing new.
    """
    for name in sorted({*wanted} - manifest.outputs.keys()):
        missing = "" if made.content(name) is not None else ", and it is not there"
        yield made.fault(MANIFEST, f"{outputs.MANIFEST} does not list {name}{missing}", outputs.MANIFEST)
    for name, digest in manifest.outputs.items():
        line = Span(manifest.lines["outputs", name], 1, 1)
        if not _is_inside(name):
            yield made.fault(MANIFEST, f"{name} is not in this folder", outputs.MANIFEST, line)
            continue
        found = file_digest(made.path(name))
        if found is None:
            what = "is missing" if not os.path.lexists(made.path(name)) else "is no file that can be read"
            yield made.fault(MISSING, f"{name} {what}; {outputs.MANIFEST} lists it", name)
        elif found != digest and name not in told:
            message = f"{name} has changed since the build: its SHA-256 is {found}, {digest} in {outputs.MANIFEST}"
            yield made.fault(MISSING, message, name)


def _is_inside(name: str) -> bool:
    return os.path.normpath(name) == name and not os.path.isabs(name) and name.split("/", 1)[0] != ".."


def unknown_files(made: Made, manifest: Manifest, links: Mapping[str, str]) -> Iterator[Fault]:
    """Yield what lies in the folder and was not made, and links that lead elsewhere.

    Args:
        made: The folder.
        manifest: What the manifest says.
        links: Symbolic links in it, and where they lead.
    """
    known = {*manifest.outputs, *links, outputs.MANIFEST}
    for name in made.names():
        if name not in known:
            advice = "take it away; what you need beside the build belongs elsewhere"
            yield made.fault(MISSING, f"{name} was not built: {outputs.MANIFEST} does not list it", name, advice=advice)
    for name, target in links.items():
        path = made.path(name)
        if not os.path.islink(path):
            yield made.fault(MISSING, f"{name} is no link to {target}", name)
        elif os.readlink(path) != target:
            yield made.fault(MISSING, f"{name} leads to {os.readlink(path)}, not to {target}", name)


def inputs(made: Made, manifest: Manifest, paths: Mapping[str, str | None], wanted: Iterable[str]) -> Iterator[Fault]:
    """Yield what was read and is another now, and what should have been read.

    Args:
        made: The folder.
        manifest: What the manifest says.
        paths: Where each input is, by name; None for one that cannot be found here.
        wanted: Names of what a build must have read.
    """
    for name in sorted({*wanted} - manifest.inputs.keys()):
        message = f"{outputs.MANIFEST} does not list {name}, which the description is made of"
        yield made.fault(MANIFEST, message, outputs.MANIFEST)
    for name, digest in manifest.inputs.items():
        path = paths.get(name)
        if path is None:
            continue
        found = file_digest(path)
        note = (made.where(outputs.MANIFEST, Span(manifest.lines["inputs", name], 1, 1)), "its SHA-256 at the build")
        if found is None:
            message = f"{path} was built from, and is missing now"
            yield Fault(INPUT, message, Where(Text(path, "", path)), AGAIN, (note,), span=START)
        elif found != digest:
            message = f"{path} has changed since the build: its SHA-256 is {found}"
            yield Fault(INPUT, message, Where(Text(path, "", path)), AGAIN, (note,), span=START)
