"""What is installed: its data, its size, what it depends on, and whom it shares its name with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement

from tests.environments import build_wheel
from tests.paths import EXAMPLE, ROOT
from tests.test_bounds import UNREACHABLE, bounds


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked where nothing of the checkout is near."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.unpack_archive(build_wheel(folder), folder / "site", "zip")
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
    assert (installed / "sdfgen" / "_data" / "docs" / "image.md").is_file()
    assert (installed / "sdfgen" / "_data" / "templates" / "c" / "common" / "phys_addr.c").is_file()
    assert not (installed / "tests").exists()


def test_installed_wheel_builds_what_the_checkout_builds(installed: Path, tmp_path: Path) -> None:
    assert build(installed, tmp_path / "wheel") == build(None, tmp_path / "checkout")


def measure(files: list[Path]) -> int:
    return sum(path.stat().st_size for path in files if path.is_file() and path.suffix != ".pyc")


MOST_BYTES: Final = 60_000_000


def needed(name: str) -> set[str]:
    """A distribution and all that it needs, extras apart."""
    wanted = [Requirement(text) for text in metadata.requires(name) or ()]
    plain = [need.name for need in wanted if need.marker is None or need.marker.evaluate({"extra": ""})]
    return {name}.union(*(needed(other) for other in plain))


def test_all_but_the_compiler_is_small(installed: Path) -> None:
    others = set().union(*(needed(name) for name in bounds() if name != "ziglang"))
    files = [Path(str(file.locate())) for name in others for file in metadata.files(name) or ()]
    assert {"click", "lief", "lxml"} <= others
    assert "ziglang" not in others
    assert measure(files) > measure(list(installed.rglob("*"))) > 0
    assert measure(files) + measure(list(installed.rglob("*"))) < MOST_BYTES


# pip takes wheels for older systems, too.
PLATFORMS: Final = ("manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "macosx_15_0_arm64", "macosx_15_0_x86_64")


@pytest.mark.parametrize("version", ["3.11", "3.14"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_dependencies_have_wheels(platform: str, version: str, tmp_path: Path) -> None:
    """Nothing is downloaded: the index says what there is."""
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--dry-run")
    older = ("--platform", "manylinux2014_" + platform.removeprefix("manylinux_2_28_"))
    where = ("--target", tmp_path, "--python-version", version, "--platform", platform, *older)
    network = ("--retries", "1", "--timeout", "15", "--only-binary", ":all:")
    done = subprocess.run((*pip, *where, *network, *bounds()), capture_output=True, text=True, check=False)
    if done.returncode != 0 and UNREACHABLE.search(done.stderr):
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr


# PyPI's `sdfgen`, as far as it matters: a package of that name, which knows nothing of ours.
OTHER: Final = {"sdfgen-0.35.1.dist-info/METADATA": "Name: sdfgen\n", "sdfgen/__init__.py": "class LionsOs: ...\n"}
APART: Final = (
    "give each an environment of its own: `pip uninstall sdfgen`, then "
    "`pip install --force-reinstall --no-deps sdfgen-vm`\n"
)
BESIDE: Final = (
    "sdfgen: programs that import PyPI's sdfgen 0.35.1, which is installed here too, get sdfgen-vm instead; help: "
)
OVER: Final = (
    "sdfgen: PyPI's sdfgen 0.35.1, another project with a package of the same name, was installed over sdfgen-vm; "
    "help: "
)
MISSING: Final = "sdfgen: files of sdfgen-vm are missing; help: pip install --force-reinstall --no-deps sdfgen-vm\n"


@pytest.mark.parametrize(
    ("put", "taken", "said", "status"),
    [
        ((), (), "", 0),
        (("sdfgen-0.35.1.dist-info/METADATA",), (), BESIDE + APART, 0),
        (tuple(OTHER), (), OVER + APART, 1),
        ((), ("sdfgen/__init__.py",), MISSING, 1),
    ],
    ids=["alone", "under", "over", "removed"],
)
@pytest.mark.parametrize(
    "command",
    [("explain", "SDF001"), ("check", "system.toml", "--board", "qemu_virt_aarch64")],
    ids=lambda words: words[0],
)
def test_the_other_sdfgen_is_noticed(
    installed: Path,
    tmp_path: Path,
    put: tuple[str, ...],
    taken: tuple[str, ...],
    said: str,
    status: int,
    command: tuple[str, ...],
) -> None:
    shutil.copytree(installed, tmp_path / "site")
    for name in put:
        (tmp_path / "site" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "site" / name).write_text(OTHER[name])
    for name in taken:
        (tmp_path / "site" / name).unlink()
    shutil.copy(EXAMPLE, tmp_path / "system.toml")
    path = os.pathsep.join((str(tmp_path / "site"), sysconfig.get_path("purelib")))
    environment = {**os.environ, "PYTHONPATH": path}
    program = (sys.executable, "-S", "-m", "sdfgen.start", *command)  # -S: a checkout that is installed stays away
    done = subprocess.run(program, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == (said, status)
    assert bool(done.stdout) == (status == 0)


# What stands on data, on the command line and on the folder's own shape.
OF_SDIST: Final = ("tests/test_layers.py", "tests/test_docs.py", "tests/commands", "tests/emit", "tests/test_faults.py")


def test_an_sdist_passes_its_tests(tmp_path: Path) -> None:
    build = "import sys; from hatchling.build import build_sdist; print(build_sdist(sys.argv[1]))"
    done = subprocess.run((sys.executable, "-c", build, tmp_path), cwd=ROOT, capture_output=True, text=True, check=True)
    shutil.unpack_archive(tmp_path / done.stdout.strip(), tmp_path, filter="data")
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTEST_ADDOPTS": ""}
    words = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *OF_SDIST)
    tests = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert tests.returncode == 0, tests.stdout[-4000:]


def test_no_folder_of_tests_is_passed_over(request: pytest.FixtureRequest) -> None:
    """pytest passes over folders by their names, `build` among them unless it is told otherwise."""
    passed_over = [pattern for pattern in request.config.getini("norecursedirs") if not pattern.startswith(".")]
    with_tests = {
        folder for path in (ROOT / "tests").rglob("test_*.py") for folder in path.relative_to(ROOT).parts[:-1]
    }
    assert [name for name in sorted(with_tests) if any(fnmatch(name, pattern) for pattern in passed_over)] == []
