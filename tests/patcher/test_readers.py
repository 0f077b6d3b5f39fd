"""LIEF and pyelftools are two opinions; they must be the same, or nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from patcher import PatchError, PatchRequest, locate, patch_file, reader
from patcher.source import opened
from patcher.values import Image, Segment
from tests.patcher.building import Elf

if TYPE_CHECKING:
    from pathlib import Path

NAMES = frozenset({"base_a", "zero", "twice", "pointer", "per_thread", "nowhere", "absolute", "unloaded", "missing"})


@pytest.mark.parametrize("build", ["static", "pie", "relr", "many"])
def test_both_readers_see_the_same(request: pytest.FixtureRequest, build: str) -> None:
    path = str(request.getfixturevalue(build))
    with opened(path) as source:
        one = reader.read_image(source, NAMES)
    other = locate.read_image(path, NAMES)
    assert one.segments == other.segments
    assert one.sections == other.sections
    assert one.symbols == other.symbols
    assert one.relocated == other.relocated
    assert one.names() == other.names()


@pytest.mark.parametrize(("build", "moves"), [("static", False), ("pie", True), ("relr", True)])
def test_relocations_are_seen(request: pytest.FixtureRequest, build: str, moves: bool) -> None:
    path = request.getfixturevalue(build)
    with opened(str(path)) as source:
        relocated = reader.read_image(source, NAMES).relocated
    assert bool(relocated) is moves
    assert (Elf(path).vaddr("pointer") in relocated) is moves


def test_readers_that_disagree_stop_the_patch(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = locate._image  # noqa: SLF001 - one reader is made to see something else

    def shifted(*arguments: object) -> Image:
        image = read(*arguments)  # type: ignore[arg-type]
        segments = (Segment(one.vaddr, one.memory_bytes, one.file_offset + 8, one.file_bytes) for one in image.segments)
        return image._replace(segments=tuple(segments))

    before = copy.read_bytes()
    monkeypatch.setattr(locate, "_image", shifted)
    with pytest.raises(PatchError) as caught:
        patch_file(str(copy), str(copy), [PatchRequest("base_a", 1)])
    message = "LIEF and pyelftools find `base_a` in different places; link the file again"
    assert str(caught.value) == f"{copy}: error[PATCH019]: {message}"
    assert copy.read_bytes() == before


def test_what_lief_cannot_parse(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import lief

    monkeypatch.setattr(lief.ELF, "parse", lambda _path: None)
    with pytest.raises(PatchError) as caught:
        patch_file(str(copy), str(copy), [PatchRequest("base_a", 1)])
    assert str(caught.value) == f"{copy}: error[PATCH005]: LIEF cannot parse the file; link it again"


def test_lief_is_silent(static: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    elf = Elf(static)
    elf.section(".comment", type=0x1234_5678)
    path = tmp_path / "odd"
    path.write_bytes(elf.data)
    patch_file(str(path), str(path), [PatchRequest("base_a", 1)])
    path.write_bytes(elf.data[:4000])
    with pytest.raises(PatchError):
        locate.read_image(str(path / "nowhere"), NAMES)
    assert capfd.readouterr() == ("", "")
