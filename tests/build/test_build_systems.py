"""Make, CMake and Meson build systems once, and again when any input has changed.

The newest CMake and the oldest that is promised come from the package index; where that can't be reached, those tests
are skipped, and the CMake of the machine is tried alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen import __version__
from tests.environments import make_environment, pip_install
from tests.paths import BOARDS, ROOT
from tests.test_bounds import UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CMAKE: Final = ROOT / "templates" / "build" / "cmake"
BOARD: Final = "qemu_virt_aarch64"
OPTIONS: Final = "--no-compile"
DESCRIPTION: Final = f'include = ["more.toml"]\n[system]\nname = "demo"\nboards = ["{BOARD}"]\n'
MORE: Final = '[[guest]]\nname = "linux"\nkernel = "Image"\n'
# What a system is made from, each as it is at first and as it is then.
INPUTS: Final = {
    "system.toml": DESCRIPTION.replace("demo", "other"),
    "more.toml": MORE.replace("linux", "debian"),
    "Image": "another kernel",
    f"boards/{BOARD}.toml": (BOARDS / f"{BOARD}.toml").read_text() + "# changed\n",
}
WRAPPER: Final = '#!/bin/sh\necho "$@" >>"{log}"\nexec "{python}" -m sdfgen "$@"\n'
MAKEFILE: Final = f"""\
include $(shell sdfgen --make-dir)/sdfgen.mk
all: demo used
$(call sdfgen_system,demo,system.toml,out dir,{OPTIONS})
used: out/demo.stamp
\tcp out/{BOARD}/manifest.json $@
""".replace("out dir", "out")
CMAKELISTS: Final = f"""\
cmake_minimum_required(VERSION 3.16)
project(demo LANGUAGES NONE)
find_package(sdfgen CONFIG REQUIRED)
sdfgen_system(demo system.toml BOARDS {BOARD} SET system.config=release OPTIONS {OPTIONS})
"""
MESON: Final = f"""\
project('demo')
custom_target(
  'demo',
  input: 'system.toml',
  output: 'demo.stamp',
  depfile: 'demo.d',
  command: [
    find_program('sdfgen'), 'build', '@INPUT@', '-o', '@OUTDIR@/system',
    '--stamp', '@OUTPUT@', '--depfile', '@DEPFILE@', '{OPTIONS}',
  ],
  build_by_default: true,
)
"""


class Project:
    """A folder with a description, and a `sdfgen` on PATH that counts how often it is run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = folder / "log"
        bins = folder / "bin"
        bins.mkdir()
        (bins / "sdfgen").write_text(WRAPPER.format(log=self._log, python=sys.executable))
        (bins / "sdfgen").chmod(0o755)
        left_out = {"MICROKIT_SDK", "LIBVMM"}
        self.environment = {name: value for name, value in os.environ.items() if name not in left_out}
        self.environment |= {"PATH": f"{bins}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        self.put("boards/place", "")
        shutil.copy(BOARDS / f"{BOARD}.toml", folder / "boards")
        image = bytearray(4096)
        image[56:60] = b"ARMd"
        (folder / "Image").write_bytes(image)
        self.put("system.toml", DESCRIPTION)
        self.put("more.toml", MORE)

    def put(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(text)

    def change(self, name: str) -> None:
        path = self.folder / name
        if name == "Image":
            path.write_bytes(path.read_bytes() + b"more")
        else:
            path.write_text(INPUTS[name])

    def run(self, *words: str) -> str:
        done = subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def builds(self, *words: str) -> int:
        """How often a command runs `sdfgen build`."""
        self._log.write_text("")
        self.run(*words)
        return sum(line.startswith("build") for line in self._log.read_text().splitlines())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} here")
    return found


def settles_and_follows(project: Project, *words: str) -> None:
    """One build, then none; one for each input that changes, then none."""
    assert project.builds(*words) == 1
    assert project.builds(*words) == 0
    for name in INPUTS:
        project.change(name)
        assert project.builds(*words) == 1, name
        assert project.builds(*words) == 0, name


def test_make_settles_and_follows_each_input(project: Project) -> None:
    project.put("Makefile", MAKEFILE)
    settles_and_follows(project, program("make"))


def test_make_uses_what_was_made_when_it_is_made(project: Project) -> None:
    project.put("Makefile", MAKEFILE)
    project.run(program("make"), "-j4")
    assert (project.folder / "used").read_bytes() == (project.folder / f"out/{BOARD}/manifest.json").read_bytes()
    assert project.run("make", "all") == "make: Nothing to be done for 'all'.\n"


def test_a_fault_stops_make_and_is_told(project: Project) -> None:
    project.put("Makefile", MAKEFILE)
    project.put("more.toml", MORE.replace("name", "nmae"))
    words = (program("make"), "all")
    done = subprocess.run(
        words, cwd=project.folder, env=project.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "more.toml:2:1: error[SDF004]: unknown key `nmae`" in done.stderr
    assert not (project.folder / "used").exists()
    project.put("more.toml", MORE)
    assert project.builds(*words) == 1


@pytest.fixture(scope="module")
def cmakes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Returns a CMake: the machine's, or one of the index."""
    known: dict[str, str] = {}

    def find(wanted: str) -> str:
        if not wanted:
            return program("cmake")
        if wanted not in known:
            python = make_environment(tmp_path_factory.mktemp("cmake") / "environment")
            done = pip_install(python, "--retries", "1", "--timeout", "15", wanted)
            if done.returncode != 0 and UNREACHABLE.search(done.stderr):
                pytest.skip("the package index cannot be reached")
            assert done.returncode == 0, done.stderr
            known[wanted] = str(python.parent / "cmake")
        return known[wanted]

    return find


VERSIONS: Final = {"3.16": "cmake>=3.16,<3.17", "here": "", "newest": "cmake>=4"}
GENERATORS: Final = {"Ninja": "ninja", "Unix Makefiles": "make"}


def configured(project: Project, cmake: str, generator: str) -> tuple[str, ...]:
    project.put("CMakeLists.txt", CMAKELISTS)
    program(GENERATORS[generator])
    where = project.run("sdfgen", "--cmake-dir").strip()
    said = project.run(cmake, "-G", generator, "-B", "bin/cmake", "-S", ".", f"-Dsdfgen_DIR={where}")
    assert "Warning" not in said
    return (cmake, "--build", "bin/cmake")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("generator", GENERATORS)
def test_cmake_follows_each_input(project: Project, cmakes: Callable[[str], str], version: str, generator: str) -> None:
    words = configured(project, cmakes(VERSIONS[version]), generator)
    if (version, generator) != ("3.16", "Unix Makefiles"):
        settles_and_follows(project, *words)
        return
    # No depfiles there: sdfgen is asked each time, and what it made keeps its time.
    assert project.builds(*words) == 1
    stamp = project.folder / "bin/cmake/demo/demo.stamp"
    before = stamp.stat().st_mtime_ns
    assert project.builds(*words) == 1
    assert stamp.stat().st_mtime_ns == before
    for name in INPUTS:
        project.change(name)
        project.run(*words)
        assert stamp.stat().st_mtime_ns > before, name
        before = stamp.stat().st_mtime_ns


def test_cmake_hands_its_words_on(project: Project) -> None:
    project.run(*configured(project, program("cmake"), "Ninja"))
    words = (project.folder / "log").read_text()
    assert words.count(f" --board {BOARD} --set system.config=release {OPTIONS}\n") == 1


def test_cmake_refuses_what_it_does_not_know(project: Project) -> None:
    project.put("CMakeLists.txt", CMAKELISTS.replace("BOARDS", "BOARD"))
    where = project.run("sdfgen", "--cmake-dir").strip()
    words = (program("cmake"), "-B", "bin/cmake", f"-Dsdfgen_DIR={where}")
    done = subprocess.run(
        words, cwd=project.folder, env=project.environment, capture_output=True, text=True, check=False
    )
    assert "sdfgen_system(demo): unknown arguments" in done.stderr.replace("\n", " ")
    assert done.returncode != 0


# A version of sdfgen's, what is asked for, and whether it is found; ranges are from CMake 3.19 on.
REQUESTS: Final = (
    ("2.1.0", "", True),
    ("2.1.0", "2.0", True),
    ("2.1.0", "2", True),
    ("2.1.0", "2.1.0 EXACT", True),
    ("2.1.0", "2.0 EXACT", False),
    ("2.1.0", "2.2", False),
    ("2.1.0", "3", False),
    ("2.1.0", "1.9", False),
    ("2.1.0", "0.1", False),
    ("2.1.0rc1", "2.0", True),
    ("0.1.0", "0.1", True),
    ("0.1.0", "0.0.9", False),
    ("0.1.0", "2.0", False),
    ("0.2.0", "0.1", False),
    ("2.1.0", "1.0...3", True),
    ("2.1.0", "1.0...2.1.0", True),
    ("2.1.0", "1.0...<2.1.0", False),
    ("2.1.0", "2.2...3", False),
)


@pytest.mark.parametrize("version", VERSIONS)
def test_cmake_takes_a_version_that_does(
    project: Project, cmakes: Callable[[str], str], version: str, tmp_path: Path
) -> None:
    """In the layout of a wheel; which request is refused is said with the version that there is."""
    cmake = cmakes(VERSIONS[version])
    requests = [words for words in REQUESTS if version != "3.16" or "..." not in words[1]]
    lines = ["cmake_minimum_required(VERSION 3.16)", "project(demo LANGUAGES NONE)"]
    for number, (own, request, _) in enumerate(requests):
        package = tmp_path / own / "sdfgen"
        shutil.copytree(CMAKE, package / "_data" / "templates" / "build" / "cmake", dirs_exist_ok=True)
        (package / "__init__.py").write_text(f'"""Tool."""\n\n__version__ = "{own}"\n')
        lines += [
            "unset(sdfgen_DIR CACHE)",
            f"find_package(sdfgen {request} CONFIG QUIET NO_DEFAULT_PATH PATHS {package}/_data/templates/build/cmake)",
            f'message(STATUS "request {number}: ${{sdfgen_FOUND}} ${{sdfgen_CONSIDERED_VERSIONS}}")',
        ]
    project.put("CMakeLists.txt", "\n".join(lines))
    said = project.run(cmake, "-G", "Ninja", "-B", "bin/versions", "-S", ".")
    found = re.findall(r"request \d+: (\d) (\S+)", said)
    assert found == [(str(int(wanted)), own.partition("rc")[0]) for own, _, wanted in requests]


def test_cmake_finds_the_version_that_there_is(project: Project) -> None:
    """Of a checkout, in which the package lies beside the templates."""
    for request, status in ((__version__, 0), ("99.0", 1)):
        project.put("CMakeLists.txt", CMAKELISTS.replace("sdfgen CONFIG", f"sdfgen {request} CONFIG"))
        where = project.run("sdfgen", "--cmake-dir").strip()
        words = (program("cmake"), "-B", f"bin/{request}", f"-Dsdfgen_DIR={where}")
        done = subprocess.run(
            words, cwd=project.folder, env=project.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, done.stderr
        assert (f"version: {__version__}" in done.stderr) == bool(status)


def test_meson_follows_each_input(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    project.put("meson.build", MESON)
    python = make_environment(tmp_path_factory.mktemp("meson") / "environment")
    done = pip_install(python, "--retries", "1", "--timeout", "15", "meson")
    if done.returncode != 0 and UNREACHABLE.search(done.stderr):
        pytest.skip("the package index cannot be reached")
    meson = str(python.parent / "meson")
    program("ninja")
    project.run(meson, "setup", "bin/meson")
    settles_and_follows(project, "ninja", "-C", "bin/meson")
