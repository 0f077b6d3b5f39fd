"""PyPI's `sdfgen` in the same environment: another project, with a package of the same name in the same folder.

pip keeps no account of files that two distributions have: whichever comes last overwrites `sdfgen/__init__.py`, and
whichever is removed first takes it along.
"""

from __future__ import annotations

import os
import sys

import sdfgen

_OTHER = "sdfgen-"
"""What its metadata's folder begins with, and no other distribution's: pip writes ours as `sdfgen_vm-`."""
_METADATA = (".dist-info", ".egg-info")


def tell_of_neighbour() -> None:
    """Say on standard error what another project's package does here; leave with status 1 when it broke this one."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    other = other_distribution(folder)
    is_whole = hasattr(sdfgen, "DISTRIBUTION")
    if other is None and is_whole:
        return
    sys.stderr.write(f"sdfgen: {_told(other, is_whole=is_whole)}\n")
    if not is_whole:
        sys.exit(1)


def other_distribution(package: str) -> str | None:
    """Return the name and version of PyPI's `sdfgen` where it is installed beside a package; None where it is not.

    Args:
        package: The package's folder.
    """
    found = (name for name in os.listdir(os.path.dirname(package)) if name.startswith(_OTHER))
    return next((name.rpartition(".")[0].replace("-", " ") for name in found if name.endswith(_METADATA)), None)


def _told(other: str | None, *, is_whole: bool) -> str:
    if other is None:
        return "files of sdfgen-vm are missing; help: pip install --force-reinstall --no-deps sdfgen-vm"
    repair = "`pip uninstall sdfgen`, then `pip install --force-reinstall --no-deps sdfgen-vm`"
    if is_whole:
        what = f"programs that import PyPI's {other}, which is installed here too, get sdfgen-vm instead"
    else:
        what = f"PyPI's {other}, another project with a package of the same name, was installed over sdfgen-vm"
    return f"{what}; help: give each an environment of its own: {repair}"
