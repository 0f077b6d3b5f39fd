from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from patcher import PatchError, PatchRequest, patch_file, plan_file, read_values
from tests.patcher.building import SECTION, Elf

if TYPE_CHECKING:
    from pathlib import Path

PLACES = {
    "config.magic": (0, 4),
    "config.whole": (8, 8),
    "config.half": (8, 4),
    "config.clients[0].io_addr": (16, 8),
    "config.clients[0].size_bytes": (24, 4),
    "config.clients[0].tag": (28, 2),
    "config.clients[2].io_addr": (48, 8),
    "config.clients[2].tag": (60, 2),
    "config.grid[0][0]": (64, 8),
    "config.grid[1][2]": (112, 8),
    "config.pointer": (128, 8),
    "config.colour": (144, 4),
}
DROPPED = "define it as a variable that the program uses, or the linker drops it"
NOWHERE = {
    "config.magik": "`config` has no member `magik`; did you mean `magic`?",
    "config.x": "`config` has no member `x`; it has clients, colour, grid, half, magic, open, pointer, ratio, whole",
    "config.clients": "`config.clients` is an array; index it",
    "config.clients.tag": "`config.clients` is an array; index it",
    "config.clients[3].tag": "`config.clients` has 3 elements, none with index 3; count from 0",
    "config.clients[1]": ("`config.clients[1]` is a structure; name a member of it (flag, io_addr, size_bytes, tag)"),
    "config.clients[1].flag": "`config.clients[1].flag` is a bit-field; patch the integer that holds it",
    "config.grid[0][4]": "`config.grid[0]` has 4 elements, none with index 4; count from 0",
    "config.grid[0][0][0]": "`config.grid[0][0]` is no array; leave out the index",
    "config.magic.low": "`config.magic` has no members; end the path there",
    "config.pointer[0]": "`config.pointer` is no array; leave out the index",
    "config.ratio": (
        "`config.ratio` is a floating-point number; only integers, enumerations and pointers can be patched"
    ),
    "config.open": "`config.open` is a flexible array, which has no elements in its type; name another part",
    "config.open[0]": "`config.open` is a flexible array, which has no elements in its type; name another part",
    "base_a.low": "`base_a` has no members; end the path there",
    "base_a[0]": "`base_a` is no array; leave out the index",
}


@pytest.fixture(params=["static", "pie"])
def described(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


def test_paths_lead_to_the_offsets_of_the_compiler(described: Path) -> None:
    base = Elf(described).vaddr("config")
    for path, (offset, size_bytes) in PLACES.items():
        (record,) = plan_file(str(described), [PatchRequest(path, 1, None)])
        assert (record.symbol, record.vaddr - base, len(record.new)) == (path, offset, size_bytes)


def test_many_paths_in_one_pass(described: Path, tmp_path: Path) -> None:
    target = str(tmp_path / "patched")
    disjoint = [path for path in PLACES if path != "config.half"]
    values = {path: number for number, path in enumerate(disjoint, 1)}
    patch_file(str(described), target, [PatchRequest(path, value, None) for path, value in values.items()])
    assert read_values(target, values) == values


@pytest.mark.parametrize("path", NOWHERE)
def test_paths_that_lead_to_no_integer(described: Path, path: str) -> None:
    with pytest.raises(PatchError) as caught:
        plan_file(str(described), [PatchRequest(path, 1)])
    assert str(caught.value) == f"{described}: error[PATCH017]: `{path}` leads to no value: {NOWHERE[path]}"
    assert caught.value.symbol == path


def test_a_path_must_have_the_requested_size(static: Path) -> None:
    with pytest.raises(PatchError) as caught:
        plan_file(str(static), [PatchRequest("config.magic", 1)])
    assert caught.value.message == "`config.magic` has 4 bytes, 8 requested; change its type or the request"


def test_members_of_a_union_overlap(static: Path) -> None:
    with pytest.raises(PatchError, match=r"`config\.whole` and `config\.half` share bytes"):
        plan_file(str(static), [PatchRequest("config.whole", 1), PatchRequest("config.half", 1, 4)])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("confg.magic", "no symbol is named `confg`; did you mean `config`?"),
        ("zero.x", "`zero.x` leads to no value: `zero` has no members; end the path there"),
        ("config.clients[-1]", f"no symbol is named `config.clients[-1]`; {DROPPED}"),
    ],
)
def test_paths_from_no_variable(static: Path, path: str, message: str) -> None:
    with pytest.raises(PatchError) as caught:
        plan_file(str(static), [PatchRequest(path, 1)])
    assert caught.value.message == message


def test_a_symbol_with_a_dot_is_no_path(static: Path, tmp_path: Path) -> None:
    elf = Elf(static)
    at = elf.get(SECTION, elf.sections()[".strtab"], "offset")
    name = elf.data.index(b"\0base_b\0", at) + 1
    elf.data[name : name + 6] = b"base.b"
    path = tmp_path / "dotted"
    path.write_bytes(elf.data)
    assert read_values(str(path), ["base.b"]) == {"base.b": 0x5555666677778888}


def test_no_debug_information(relr: Path) -> None:
    with pytest.raises(PatchError) as caught:
        plan_file(str(relr), [PatchRequest("config.magic", 1)])
    message = (
        "the type of `config.magic` cannot be read: the file has no debug information; compile with -g, and do not"
        " strip it"
    )
    assert caught.value.message == message


def test_debug_information_of_another_build(static: Path, tmp_path: Path) -> None:
    elf = Elf(static)
    elf.symbol("config", value=elf.vaddr("config") + 8)
    path = tmp_path / "moved"
    path.write_bytes(elf.data)
    with pytest.raises(
        PatchError, match="there is no debug information about `config`; compile the file that defines it with -g"
    ):
        plan_file(str(path), [PatchRequest("config.magic", 1)])


def test_a_leaf_beyond_its_variable(static: Path, tmp_path: Path) -> None:
    elf = Elf(static)
    elf.symbol("config", size=60)
    path = tmp_path / "short"
    path.write_bytes(elf.data)
    with pytest.raises(PatchError) as caught:
        plan_file(str(path), [PatchRequest("config.clients[2].tag", 1, None)])
    message = "`config.clients[2].tag` ends beyond `config`, says debug information; build the file again"
    assert str(caught.value) == f"{path}: error[PATCH017]: {message}"


def test_debug_information_that_runs_in_a_circle(static: Path, tmp_path: Path) -> None:
    """A typedef that is its own type: found by the kind of its abbreviation, then pointed at itself."""
    from elftools.elf.elffile import ELFFile

    data = bytearray(static.read_bytes())
    with static.open("rb") as stream:
        elf = ELFFile(stream)
        start = Elf(static).get(SECTION, Elf(static).sections()[".debug_info"], "offset")
        units = elf.get_dwarf_info().iter_CUs()
        wrappers = [
            entry
            for unit in units
            for entry in unit.iter_DIEs()
            if entry.tag in {"DW_TAG_typedef", "DW_TAG_volatile_type"}
        ]
    for entry in wrappers:
        at = start + entry.attributes["DW_AT_type"].offset
        data[at : at + 4] = (entry.offset - entry.cu.cu_offset).to_bytes(4, "little")
    path = tmp_path / "circle"
    path.write_bytes(data)
    with pytest.raises(PatchError, match="its type is nested too deeply; build the file again"):
        plan_file(str(path), [PatchRequest("config.clients[0].io_addr", 1)])
