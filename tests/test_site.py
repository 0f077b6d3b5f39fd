"""The pages: each command of the tutorial works, each link leads somewhere, and messages name pages that are there."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.commands.docs import page_names
from tests.environments import make_environment, pip_install
from tests.paths import EXAMPLE, ROOT
from tests.test_bounds import UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BLOCK: Final = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REFERENCE: Final = re.compile(r"\bdocs/([a-z0-9-]+)\.md(?:#([a-z0-9-]+))?")
SDFGEN: Final = (sys.executable, "-m", "sdfgen")
WRAPPER: Final = '#!/bin/sh\nexec "{python}" -m sdfgen "$@"\n'
ENVIRONMENT: Final = {
    **{name: value for name, value in os.environ.items() if name not in {"MICROKIT_SDK", "LIBVMM"}},
    "PYTHONPATH": str(ROOT),
}


def anchors(text: str) -> set[str]:
    """Of a page's headings, as MkDocs and GitHub make them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def done_as_it_stands(
    page: str,
    folder: Path,
    least: int,
    block: re.Pattern[str] = BLOCK,
    environment: Mapping[str, str] = ENVIRONMENT,
) -> subprocess.CompletedProcess[str]:
    """Run the commands of a page's blocks, with so many of sdfgen at least."""
    bins = folder / "bin"
    bins.mkdir()
    (bins / "sdfgen").write_text(WRAPPER.format(python=sys.executable))
    (bins / "sdfgen").chmod(0o755)
    environment = {**environment, "PYTHONPATH": str(ROOT), "PATH": f"{bins}:{os.environ['PATH']}"}
    script = "set -ex\n" + "".join(block.findall((ROOT / "docs" / page).read_text()))
    assert script.count("sdfgen ") >= least
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done


def test_the_tutorial_works_as_it_stands(tmp_path: Path) -> None:
    done = done_as_it_stands("tutorial.md", tmp_path, 13)
    assert "error[SDF075]" in done.stderr
    assert "nothing has changed" in done.stdout
    assert "MICROKIT_SDK is not set" in done.stdout
    assert "all is there to build" in done.stdout


def test_the_way_to_the_odroid_works_up_to_the_image(tmp_path: Path) -> None:
    done = done_as_it_stands("odroid.md", tmp_path, 6)
    assert done.stderr.count("note[SDF179]") == 2
    assert "emmc.toml: good for odroidc4" in done.stdout
    assert "physical address 0xffe05000: dev_sd" in done.stdout
    assert "QEMU can't run odroidc4" in done.stdout


def test_the_odroids_page_has_the_numbers_of_the_board_file() -> None:
    board = tomllib.loads((ROOT / "boards" / "odroidc4.toml").read_text())
    text = (ROOT / "docs" / "odroid.md").read_text()
    assert f"go {board['board']['loader_address']:#x}" in text
    assert f"| `{json.dumps(board['disk']['devices'])}` |" in text
    assert f'| `"{board["disk"]["storage"]}"` |' in text


def test_the_table_for_a_card_leaves_room_for_u_boot(tmp_path: Path) -> None:
    if shutil.which("sfdisk", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
        pytest.skip("sfdisk (Debian's package fdisk) is not installed")
    command = re.search(r"^truncate .*\nprintf .*$", (ROOT / "docs" / "odroid.md").read_text(), re.MULTILINE)
    assert command is not None
    environment = {**ENVIRONMENT, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    subprocess.run(["sh", "-ec", command[0]], cwd=tmp_path, env=environment, capture_output=True, check=True)
    first = (tmp_path / "card.img").read_bytes()[:512]
    entries = [struct.unpack_from("<4xB3xII", first, 446 + 16 * index) for index in range(4)]
    assert [kind for kind, _, _ in entries] == [0xC, 0x83, 0x83, 0]
    assert entries[0][1] * 512 >= 16 * 2**20
    assert entries[1][1] >= sum(entries[0][1:])


def test_pictures_are_what_the_program_draws(tmp_path: Path) -> None:
    words = ("show", str(EXAMPLE), "--board", "qemu_virt_aarch64", "--format", "svg", "-o", str(tmp_path / "drawn.svg"))
    subprocess.run((*SDFGEN, *words), env=ENVIRONMENT, cwd=ROOT, check=True)
    drawn, kept = (path.read_text() for path in (tmp_path / "drawn.svg", ROOT / "docs/pictures/two-clients.svg"))
    assert drawn == kept, "run `make docs`"


def sources() -> list[Path]:
    found = [path for folder in ("sdfgen", "patcher", "templates", "boards") for path in (ROOT / folder).rglob("*.*")]
    return sorted(path for path in found if path.suffix in {".py", ".j2", ".toml", ".c", ".h", ".mk", ".cmake"})


def test_what_messages_name_is_a_page_and_has_that_heading() -> None:
    wrong = []
    for path in sources():
        for name, anchor in REFERENCE.findall(path.read_text(encoding="utf-8")):
            there = name in page_names()
            if not there or (anchor and anchor not in anchors((ROOT / "docs" / f"{name}.md").read_text())):
                wrong.append(f"{path.relative_to(ROOT)}: docs/{name}.md#{anchor}")
    assert wrong == []


@pytest.mark.parametrize("name", ["image", "docs/image.md", "docs/image.md#the-tool"])
def test_a_page_is_shown_by_any_of_its_names(name: str) -> None:
    done = subprocess.run((*SDFGEN, "docs", name), env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert done.stdout == (ROOT / "docs" / "image.md").read_text()


def test_pages_are_listed_and_unknown_ones_told() -> None:
    done = subprocess.run((*SDFGEN, "docs"), env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == page_names()
    done = subprocess.run((*SDFGEN, "docs", "imag"), env=ENVIRONMENT, capture_output=True, text=True, check=False)
    said = "sdfgen: there is no page 'imag' (did you mean `image`?); `sdfgen docs` lists them\n"
    assert (done.stderr, done.returncode) == (said, 1)


def test_every_page_has_its_place_in_the_site() -> None:
    placed = re.findall(r"([a-z0-9-]+)\.md$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(placed) == page_names()


def test_the_site_is_built_and_every_link_and_anchor_leads_somewhere(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    python = make_environment(tmp_path_factory.mktemp("site") / "environment")
    done = pip_install(python, "--retries", "1", "--timeout", "15", "mkdocs-material")
    if done.returncode != 0 and UNREACHABLE.search(done.stderr):
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    words = (python.parent / "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path / "site")
    done = subprocess.run(words, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {path.stem for path in (tmp_path / "site").glob("*.html")} == {*page_names(), "404"}
    text = (tmp_path / "site" / "concepts.html").read_text()
    assert 'src="pictures/who-is-who.svg"' in text
    assert not re.search(r'(?:src|<link[^>]*href)="https?://(?!example)', text), "nothing is loaded from elsewhere"
