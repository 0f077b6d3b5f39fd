"""Examples are what people copy: each is good, is built, and is what was described."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.build.toolchain import PD_FLAGS, ZIG_FLAGS
from sdfgen.describe import describe
from tests.importing.canonical import canonical
from tests.paths import ROOT, TESTS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Golden

EXAMPLES: Final = sorted(path.parent.name for path in ROOT.glob("examples/*/system.toml"))
IMPORTED: Final = sorted(ROOT.glob("examples/*/*.system"))
SDFGEN: Final = (sys.executable, "-m", "sdfgen")
QEMU: Final = "qemu_virt_aarch64"
NATIVE: Final = "native-client"
# What the native client is linked from besides its own C and its table: the Makefile has them, too.
LIBRARY: Final = ("block/block_queue.c", "pd/mem.c", "microkit/pd_say.c")


def run(folder: Path, *words: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in {"MICROKIT_SDK", "LIBVMM"}}
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_good(name: str) -> None:
    described = describe(str(ROOT / "examples" / name / "system.toml"))
    assert [fault for fault in described.faults if fault.severity != "note"] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_built_and_verified(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / name, tmp_path / name, ignore=shutil.ignore_patterns("build"))
    said = run(tmp_path / name, *SDFGEN, "build", "system.toml", "--no-compile")
    for board in describe(str(ROOT / "examples" / name / "system.toml")).systems:
        assert f"{board}: {name} for {board}" in said
    run(tmp_path / name, *SDFGEN, "verify", "system.toml")


def test_the_native_client_compiles_and_links(tmp_path: Path) -> None:
    """As its Makefile does, against the declarations that stand for an SDK here."""
    shutil.copytree(ROOT / "examples" / NATIVE, tmp_path / NATIVE, ignore=shutil.ignore_patterns("build"))
    folder = tmp_path / NATIVE
    run(folder, *SDFGEN, "build", "system.toml", "--no-compile")
    made = folder / "build" / QEMU
    sources = ("reader.c", str(made / "src" / "reader_block_table.c"), *(str(made / "c" / name) for name in LIBRARY))
    flags = (*ZIG_FLAGS.split(), "-target", "aarch64-freestanding", *PD_FLAGS.split())
    headers = ("-isystem", str(TESTS / "native" / "libvmm" / "include"), "-I", str(made / "c" / "include"))
    program = (sys.executable, "-m", "ziglang", "cc", *flags, *headers, "-r", "-nostdlib", *sources, "-o", "reader.o")
    run(folder, *program)
    makefile = (folder / "Makefile").read_text()
    assert all(f"$(C)/{name}" in makefile for name in LIBRARY)


@pytest.mark.parametrize("source", IMPORTED, ids=lambda path: path.stem)
def test_an_imported_example_is_what_import_makes_and_the_same_system(
    source: Path, golden: Golden, tmp_path: Path
) -> None:
    shutil.copy(source, tmp_path)
    run(tmp_path, *SDFGEN, "import", source.name, "--board", QEMU)
    golden.check(source.parent / "system.toml", (tmp_path / "system.toml").read_text())
    run(tmp_path, *SDFGEN, "build", "system.toml", "--no-compile")
    built = tmp_path / "build" / QEMU / source.name
    assert canonical(built.read_bytes()) == canonical(source.read_bytes())
    run(tmp_path, *SDFGEN, "diff", source.name, "system.toml")


@pytest.mark.parametrize("source", IMPORTED, ids=lambda path: path.stem)
def test_a_project_begins_with_an_imported_example(source: Path, tmp_path: Path) -> None:
    run(tmp_path, *SDFGEN, "init", "mine", "--from", str(source), "--board", QEMU)
    kept, begun = (path.read_text() for path in (source.parent / "system.toml", tmp_path / "mine" / "system.toml"))
    named = kept.replace(f'name = "{source.stem}"', 'name = "mine"')
    assert begun.partition("\n")[2] == named, "its first line names the schema"
    run(tmp_path / "mine", *SDFGEN, "build", "system.toml")


def test_every_example_is_named_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    assert [name for name in EXAMPLES if f"examples/{name}/system.toml" not in text] == []
