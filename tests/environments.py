"""Virtual environments with an sdfgen of their own, installed from a wheel."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING

from tests.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout; nothing is downloaded for it."""
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet")
    subprocess.run((*pip, "--no-deps", "--no-build-isolation", "-w", folder, ROOT), check=True, capture_output=True)
    (wheel,) = folder.glob("sdfgen_vm-*.whl")
    return wheel


def make_environment(folder: Path) -> Path:
    """An empty virtual environment; its Python."""
    subprocess.run((sys.executable, "-m", "venv", "--without-pip", folder), check=True, capture_output=True)
    return folder / "bin" / "python"


def site_packages(python: Path) -> Path:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return python.parent.parent / "lib" / version / "site-packages"


def borrow_dependencies(python: Path) -> None:
    """Let an environment see what this one has, behind what it has itself; nothing is downloaded for it."""
    (site_packages(python) / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")


def pip_install(python: Path, *words: str) -> subprocess.CompletedProcess[str]:
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python, "install", "--quiet")
    return subprocess.run((*pip, *words), capture_output=True, text=True, check=False)
