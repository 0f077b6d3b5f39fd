"""Which versions there are: of the tool, of what it is made with, and of what it makes files for."""

from __future__ import annotations

import json
import platform
from importlib import metadata

from sdfgen import DISTRIBUTION, __version__
from sdfgen.facts.board import board_files
from sdfgen.facts.dialects import DIALECTS

_USED = ("click", "fdt", "jinja2", "lief", "lxml", "ninja", "pyelftools", "tree-sitter", "tree-sitter-toml", "ziglang")


def version_text(*, as_json: bool) -> str:
    """Return the version, in a line or as JSON with all others.

    Args:
        as_json: Write JSON.
    """
    if not as_json:
        return f"sdfgen, version {__version__}\n"
    found = {
        "name": DISTRIBUTION,
        "version": __version__,
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in _USED},
        "microkit": list(DIALECTS),
        "boards": list(board_files()),
    }
    return json.dumps(found, indent=2) + "\n"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
