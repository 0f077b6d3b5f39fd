"""Templates and boards are found in a checkout and in an installed wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from typing import TYPE_CHECKING

import pytest

from tests.paths import EXAMPLE, ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked where nothing of the checkout is near."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    (wheel,) = folder.glob("sdfgen_vm-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def build(site: Path | None, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    shutil.copy(EXAMPLE, folder / "system.toml")
    out = folder / "build"
    environment = {**os.environ, "PYTHONPATH": str(site or ROOT)}
    program = "import sys, sdfgen; print(sdfgen.__file__); from sdfgen.start import main; main()"
    command = [sys.executable, "-c", program, "build", "system.toml", "--no-compile"]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(site or ROOT))
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and not path.relative_to(out).parts[0].startswith(".")
    }


def test_wheel_holds_templates_and_boards(installed: Path) -> None:
    assert (installed / "sdfgen" / "_data" / "boards" / "odroidc4.toml").is_file()
    assert (installed / "sdfgen" / "_data" / "templates" / "c" / "common" / "phys_addr.c").is_file()
    assert not (installed / "tests").exists()


def test_installed_wheel_builds_what_the_checkout_builds(installed: Path, tmp_path: Path) -> None:
    assert build(installed, tmp_path / "wheel") == build(None, tmp_path / "checkout")


def test_no_folder_of_tests_is_passed_over(request: pytest.FixtureRequest) -> None:
    """pytest passes over folders by their names, `build` among them unless it is told otherwise."""
    passed_over = [pattern for pattern in request.config.getini("norecursedirs") if not pattern.startswith(".")]
    with_tests = {
        folder for path in (ROOT / "tests").rglob("test_*.py") for folder in path.relative_to(ROOT).parts[:-1]
    }
    assert [name for name in sorted(with_tests) if any(fnmatch(name, pattern) for pattern in passed_over)] == []
