"""A build needs no home: where the compiler can keep its cache nowhere else, that is in the output folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.build.zig_cache import zig_cache
from tests.paths import SYSTEMS

if TYPE_CHECKING:
    from pathlib import Path

OF_HOMES: Final = ("HOME", "XDG_CACHE_HOME", "ZIG_GLOBAL_CACHE_DIR", "MICROKIT_SDK", "LIBVMM")
# `full` has a file where a folder for caches would be, which no rights overcome.
HOMES: Final[dict[str, dict[str, str]]] = {
    "unset": {},
    "empty": {"HOME": ""},
    "missing": {"HOME": "{0}/nowhere"},
    "without room": {"HOME": "{0}/full"},
    "without room for caches": {"HOME": "{0}/home", "XDG_CACHE_HOME": "{0}/full/.cache"},
}
USED: Final[dict[str, tuple[dict[str, str], str]]] = {
    "home": ({"HOME": "{0}/home"}, "home/.cache/zig"),
    "caches": ({"HOME": "{0}/nowhere", "XDG_CACHE_HOME": "{0}/caches"}, "caches/zig"),
    "zig's own": ({"ZIG_GLOBAL_CACHE_DIR": "{0}/own"}, "own"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / ".cache").write_text("")
    shutil.copy(SYSTEMS / "lone_guest.toml", tmp_path / "system.toml")
    return tmp_path


def build(folder: Path, variables: dict[str, str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in OF_HOMES}
    environment |= {name: value.format(folder) for name, value in variables.items()}
    command = [sys.executable, "-m", "sdfgen", "build", "-q", "system.toml"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("home", HOMES)
def test_without_a_home_the_cache_is_in_the_output_folder(folder: Path, home: str) -> None:
    build(folder, HOMES[home])
    assert any((folder / "build" / ".zig-cache").iterdir())
    assert not (folder / "nowhere").exists()


@pytest.mark.parametrize("home", USED)
def test_a_cache_that_there_is_room_for_is_used(folder: Path, home: str) -> None:
    variables, cache = USED[home]
    build(folder, variables)
    assert any((folder / cache).iterdir())
    assert not (folder / "build" / ".zig-cache").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="rights do not bind root")
def test_a_home_that_may_not_be_written_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "home").chmod(0o555)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("ZIG_GLOBAL_CACHE_DIR", raising=False)
    monkeypatch.setenv("HOME", str(folder / "home"))
    assert zig_cache("instead") == {"ZIG_GLOBAL_CACHE_DIR": os.path.abspath("instead")}
