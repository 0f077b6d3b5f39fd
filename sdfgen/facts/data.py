"""Where `boards/` and `templates/` are: inside an installed wheel, beside the package in a checkout."""

import os

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_INSTALLED = os.path.join(_PACKAGE, "_data")
ROOT = _INSTALLED if os.path.isdir(_INSTALLED) else os.path.dirname(_PACKAGE)


def data_path(*parts: str) -> str:
    """Return the path of a file or folder that is shipped with the tool."""
    return os.path.join(ROOT, *parts)
