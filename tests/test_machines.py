"""The same description, read on two machines, gives the same bytes; and none of them tell where they were made.

The two differ in everything that a build might look at: folders, homes, user's mask, time zone, language, order of
hashes, number of steps at once, and a compiler's cache that one of them begins anew. They have the same versions of
all tools, so that is what has to decide.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.environments import borrow_dependencies, build_wheel, make_environment, pip_install
from tests.paths import EXAMPLE, ROOT, SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEITHER: Final = ("MICROKIT_SDK", "LIBVMM", "PYTHONPATH", "SOURCE_DATE_EPOCH", "LC_ALL")


class Machine(NamedTuple):
    """What one of them has that the other has not."""

    folder: str
    umask: int
    jobs: str
    environment: dict[str, str]


MACHINES: Final = (
    Machine("here", 0o022, "1", {"TZ": "UTC", "LANG": "C", "PYTHONHASHSEED": "1"}),
    Machine(
        "far away/from it",
        0o077,
        "4",
        {"TZ": "Asia/Kolkata", "LANG": "de_DE.UTF-8", "PYTHONHASHSEED": "2", "HOME": "{0}/home", "USER": "somebody"},
    ),
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The output folders of the machines."""
    folder = tmp_path_factory.mktemp("machines")
    wheel = build_wheel(folder)
    return [build(folder / machine.folder, machine, wheel) for machine in MACHINES]


def build(folder: Path, machine: Machine, wheel: Path) -> Path:
    (folder / "home").mkdir(parents=True)
    python = make_environment(folder / "environment")
    borrow_dependencies(python)
    installed = pip_install(python, "--no-index", "--no-deps", str(wheel))
    assert installed.returncode == 0, installed.stderr
    shutil.copy(EXAMPLE, folder / "system.toml")
    shutil.copy(SYSTEMS / "three_disks_two_blocks.toml", folder / "three.toml")
    environment = {name: value for name, value in os.environ.items() if name not in NEITHER}
    environment |= {name: value.format(folder) for name, value in machine.environment.items()}
    for description, out in (("system.toml", "build"), ("three.toml", "build three")):
        words = (python.parent / "sdfgen", "build", "--quiet", description, "--jobs", machine.jobs, "--out", out)
        done = subprocess.run(
            words, cwd=folder, env=environment, umask=machine.umask, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
    return folder


def published(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files of all boards, by their path, what they were made with left out."""
    for out in ("build", "build three"):
        for path in sorted((folder / out).rglob("*")):
            name = path.relative_to(folder)
            if path.is_file() and not name.parts[1].startswith("."):
                yield str(name), path.read_bytes()


def test_two_machines_make_the_same_bytes(built: list[Path]) -> None:
    here, there = (dict(published(folder)) for folder in built)
    assert here.keys() == there.keys()
    assert [name for name in here if here[name] != there[name]] == []
    names = {os.path.basename(name) for name in here}
    assert names >= {"block_uio_driver.elf", "manifest.json", "build.ninja", "two-clients.system", "client1.dtb"}
    assert {name.split("/")[1] for name in here} == {"qemu_virt_aarch64", "odroidc4"}


def test_no_output_tells_where_it_was_made(built: list[Path]) -> None:
    for folder in built:
        places = (str(folder), str(ROOT), sys.prefix, os.environ["HOME"] + "/", "somebody")
        for name, content in published(folder):
            assert [place for place in places if place.encode() in content] == [], name


def test_each_used_the_sdfgen_of_its_own(built: list[Path]) -> None:
    for folder in built:
        link = folder / "build" / "odroidc4" / "c"
        assert link.resolve().is_relative_to(folder)
