"""The lower bounds of dependencies: each is a version that exists, and all of them together work.

They are installed from the package index, so this is skipped where it cannot be reached.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from typing import TYPE_CHECKING, Final

import pytest

from tests.environments import make_environment, pip_install
from tests.paths import EXAMPLE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

BOUND: Final = re.compile(r"([a-z0-9-]+)>=([0-9.]+)")
UNREACHABLE: Final = re.compile(r"connection|temporary failure|unreachable|timed out|proxy|ssl", re.IGNORECASE)
# What runs the tests is as new as it may be.
RUNNERS: Final = ("pytest", "hypothesis", "hatchling")
# What has to do with a library: ELFs read and patched, trees and system files, places in descriptions, the reference.
CORE: Final = (
    "tests/patcher/test_patch.py",
    "tests/patcher/test_readers.py",
    "tests/patcher/test_cli.py",
    "tests/patcher/test_faults.py",
    "tests/patcher/test_properties.py",
    "tests/emit",
    "tests/read",
    "tests/guest_files",
    "tests/commands",
    "tests/test_faults.py",
)


def bounds() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = project["optional-dependencies"]["zig"]
    matches = [BOUND.fullmatch(text) for text in (*project["dependencies"], *extra)]
    assert all(matches), "a dependency has one lower bound and nothing else"
    return {match[1]: match[2] for match in matches if match}


@pytest.fixture(scope="module")
def lowest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment in which each dependency has its lowest version."""
    python = make_environment(tmp_path_factory.mktemp("lowest") / "environment")
    wanted = [f"{name}=={version}" for name, version in bounds().items()]
    installed = pip_install(python, "--retries", "1", "--timeout", "15", *wanted, *RUNNERS)
    if installed.returncode != 0 and UNREACHABLE.search(installed.stderr):
        pytest.skip("the package index cannot be reached, and pip's cache has not all lowest versions")
    assert installed.returncode == 0, installed.stderr
    return python


def run(python: Path, folder: Path, *words: str) -> str:
    left_out = {"MICROKIT_SDK", "LIBVMM", "PYTEST_ADDOPTS"}
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    environment |= {"PYTHONPATH": str(ROOT)}
    done = subprocess.run((python, *words), cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def test_the_lowest_versions_are_there(lowest: Path, tmp_path: Path) -> None:
    program = "import sys, importlib.metadata as m; print([m.version(name) for name in sys.argv[1:]])"
    found = run(lowest, tmp_path, "-c", program, *bounds()).strip()
    versions = re.findall(r"'([^']+)'", found)
    assert all(
        version == bound or re.fullmatch(rf"{re.escape(bound)}(\.0)*", version)
        for version, bound in zip(versions, bounds().values(), strict=True)
    ), found


def test_the_lowest_versions_check_build_and_verify(lowest: Path, tmp_path: Path) -> None:
    shutil.copy(EXAMPLE, tmp_path / "system.toml")
    assert "good for" in run(lowest, tmp_path, "-m", "sdfgen", "check", "system.toml")
    assert "block_uio_driver.elf" in run(lowest, tmp_path, "-m", "sdfgen", "build", "system.toml")
    assert "patched symbols" in run(lowest, tmp_path, "-m", "sdfgen", "verify", "system.toml")


def test_the_lowest_versions_pass_the_tests_of_what_uses_them(lowest: Path) -> None:
    said = run(lowest, ROOT, "-m", "pytest", "-q", "-p", "no:cacheprovider", *CORE)
    assert re.search(r"\d{3,} passed", said)
