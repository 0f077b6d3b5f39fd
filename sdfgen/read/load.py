"""A description with everything it includes, and the settings of a command line."""

from __future__ import annotations

import os
import tomllib

from sdfgen.faults.fault import Fault, Faults
from sdfgen.faults.source import Source, Where
from sdfgen.read.merge import merge
from sdfgen.read.toml import Node, parse, read_source


def load(path: str, faults: Faults) -> tuple[Node | None, list[str]]:
    """Read a description with everything it includes.

    Args:
        path: The description's file.
        faults: Takes every fault found on the way.

    Returns:
        The merged tree (None when the main file is no TOML), and the paths of all files read.
    """
    read: list[str] = []
    node = _load(path, None, (), read, faults)
    return node, read


def _load(path: str, wanted_by: Where | None, chain: tuple[str, ...], read: list[str], faults: Faults) -> Node | None:
    real = _real(path)
    if real in chain:
        place = wanted_by or Where(Source(path, ""))
        faults.add(Fault("SDF007", f"{os.path.normpath(path)!r} includes itself", place, "remove this include"))
        return None
    source = read_source(path, faults, wanted_by)
    if source is None:
        return None
    read.append(path)
    node = parse(source, faults)
    if node is None:
        return None
    for child in _includes(node, faults):
        target = os.path.join(os.path.dirname(path), child.value)
        included = _load(target, child.where, (*chain, real), read, faults)
        if included is not None:
            node = merge(node, included, faults)
    return node


def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except ValueError:  # a NUL in it; reading it will tell
        return path


def _includes(node: Node, faults: Faults) -> list[Node]:
    listed = node.value.pop("include", None)
    if listed is None:
        return []
    if isinstance(listed.value, list) and all(isinstance(item.value, str) for item in listed.value):
        return list(listed.value)
    faults.add(Fault("SDF003", "`include` must be a list of file names", listed.where, 'write include = ["FILE.toml"]'))
    return []


def setting(text: str, faults: Faults) -> Node | None:
    """Parse one `path=value` of the command line into a tree.

    The value is TOML; what is not (`--set system.config=release`) is taken as a string.
    """
    source = Source(f"--set {text}", text)
    path, equals, value = text.partition("=")
    if equals:
        for candidate in (f"{path} = {value}", f"{path} = {_quoted(value)}"):
            try:
                document = tomllib.loads(candidate)
            except (ValueError, RecursionError):
                continue
            return _relocated(document, Where(source))
    faults.add(
        Fault(
            "SDF008",
            f"--set {text!r} is not of the form path=value",
            Where(source),
            "for example --set system.config=release",
        )
    )
    return None


def _quoted(text: str) -> str:
    import json

    return json.dumps(text)


def _relocated(value: object, where: Where) -> Node:
    if isinstance(value, dict):
        return Node({k: _relocated(v, where) for k, v in value.items()}, where)
    if isinstance(value, list):
        return Node([_relocated(v, where) for v in value], where)
    return Node(value, where)
