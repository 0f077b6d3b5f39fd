"""Names of the description as C identifiers."""

from __future__ import annotations

import re

_NOT_C = re.compile(r"[^A-Za-z0-9_]")


def c_name(name: str) -> str:
    """Turn a name of the description into a C identifier."""
    return _NOT_C.sub("_", name)
