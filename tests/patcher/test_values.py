"""Arrays, text and sections: what a value may be, where it may go, and how it comes back."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from patcher import PatchError, PatchRequest, TypeLeaf, describe_type, patch_file, plan_file, read_values, verify_file
from tests.patcher.building import FREESTANDING, SYMBOL, Elf

if TYPE_CHECKING:
    from pathlib import Path

    from tests.patcher.building import Builder

Value = int | tuple[int, ...] | str
CONFIG = "[.blk_client_config]"


@pytest.fixture(scope="session", params=["-gdwarf-4", "-gdwarf-5"])
def shapes(request: pytest.FixtureRequest, builder: Builder) -> Path:
    return builder.cc("shapes", *FREESTANDING, request.param, sources=("shapes.c",))


@pytest.fixture(scope="session")
def untyped(builder: Builder) -> Path:
    return builder.cc("untyped", *FREESTANDING, "-g0", sources=("shapes.c",))


VALUES: dict[str, tuple[Value, int | None, bytes]] = {
    "numbers": ((1, 2**64 - 1, 0, 7), None, b"".join(n.to_bytes(8, "little") for n in (1, 2**64 - 1, 0, 7))),
    "numbers[2]": (9, 8, (9).to_bytes(8, "little")),
    "config.grid": ((1, 2, 3, 4, 5, 6), 4, b"".join(n.to_bytes(4, "little") for n in range(1, 7))),
    "config.grid[1]": ((7, 8, 9), None, b"".join(n.to_bytes(4, "little") for n in (7, 8, 9))),
    "config.grid[1][2]": (9, 4, (9).to_bytes(4, "little")),
    "config.clients[1].both.halves": ((1, 2), None, bytes([1, 0, 0, 0, 2, 0, 0, 0])),
    "config.clients[1].on": (1, None, b"\1"),
    "config.clients[1].mode": (1, 4, bytes([1, 0, 0, 0])),
    "config.clients[0].inner": (0x1234, 2, b"\x34\x12"),
    "config.clients[0].pointer": (0x4000, 8, (0x4000).to_bytes(8, "little")),
    "config.mac": ((2, 0, 0, 0, 0, 1), 1, bytes([2, 0, 0, 0, 0, 1])),
    "config.magic": ("ab", None, b"ab\0\0"),
    "config.names[1]": ("xyz", 4, b"xyz\0"),
    "config.names": (tuple(b"abc\0def\0"), 1, b"abc\0def\0"),
    "text": ("\u00e4\u20ac", 8, "\u00e4\u20ac".encode() + bytes(3)),
    f"{CONFIG}.clients[1].name": ("disk", None, b"disk\0\0\0\0"),
    f"{CONFIG}.clients[0].base": (5, 8, (5).to_bytes(8, "little")),
}


@pytest.mark.parametrize("symbol", VALUES)
def test_values_arrive_and_come_back(shapes: Path, tmp_path: Path, symbol: str) -> None:
    value, size_bytes, content = VALUES[symbol]
    target = tmp_path / "patched"
    requests = [PatchRequest(symbol, value, size_bytes)]
    (record,) = patch_file(str(shapes), str(target), requests)
    assert (record.new, record.value, record.warnings) == (content, value, ())
    data = bytearray(shapes.read_bytes())
    assert data[record.file_offset : record.file_offset + len(content)] == record.old
    data[record.file_offset : record.file_offset + len(content)] = content
    assert target.read_bytes() == data
    assert read_values(str(target), [symbol]) == {symbol: value}
    assert verify_file(str(target), requests) == (record._replace(old=record.new),)


def test_text_may_be_empty_and_takes_all_but_one_byte(shapes: Path) -> None:
    for value, content in (("", bytes(4)), ("abc", b"abc\0")):
        (record,) = plan_file(str(shapes), [PatchRequest("config.magic", value, None)])
        assert record.new == content


REFUSED: dict[str, tuple[Value, int | None, str, str]] = {
    "too few": ((1, 2, 3), None, "numbers", "PATCH023: `numbers` has 4 elements, 3 numbers given; give 4"),
    "too many": ((1,) * 5, None, "numbers", "PATCH023: `numbers` has 4 elements, 5 numbers given; give 4"),
    "none": ((), None, "numbers", "PATCH023: `numbers` has 4 elements, 0 numbers given; give 4"),
    "dimensions": (
        (1, 2, 3),
        None,
        "config.grid",
        "PATCH023: `config.grid` has 6 elements, 3 numbers given; give 6",
    ),
    "an element too large": (
        (1, 2, 3, 2**64),
        None,
        "numbers",
        "PATCH011: the value of `numbers[3]` has 65 bits and the variable has 64; correct the value or its size",
    ),
    "size of an element": (
        (1, 2, 3, 4),
        4,
        "numbers",
        "PATCH010: `numbers` has 32 bytes, 4 numbers of 4 bytes given; give as many as it has elements",
    ),
    "size of an element of a path": (
        (1, 2, 3),
        8,
        "config.grid[0]",
        "PATCH010: an element of `config.grid[0]` has 4 bytes, 8 requested; change its type or the request",
    ),
    "a number for an array": (
        1,
        None,
        "config.grid[0]",
        (
            "PATCH023: `config.grid[0]` is an array of 3: unsigned of 4 bytes, not a number; give 3 numbers, or name an"
            " element of it"
        ),
    ),
    "a number for text": (
        1,
        None,
        "config.magic",
        "PATCH023: `config.magic` is an array of 4 char, not a number; give text, or 4 numbers",
    ),
    "an array for a number": (
        (1, 2),
        None,
        "alone",
        "PATCH023: `alone` is one unsigned of 4 bytes, no array; give one number",
    ),
    "text for a number": (
        "x",
        None,
        "alone",
        "PATCH023: `alone` is one unsigned of 4 bytes; text needs an array of char",
    ),
    "text for bytes": (
        "x",
        None,
        "config.mac",
        "PATCH023: `config.mac` is an array of 6: unsigned of 1 byte; text needs an array of char",
    ),
    "text for several texts": (
        "x",
        None,
        "config.names",
        "PATCH023: `config.names` is an array of 2 times 4: character of 1 byte; text needs an array of char",
    ),
    "text without room for its NUL": (
        "abcd",
        None,
        "config.magic",
        "PATCH011: `config.magic` has 4 bytes, the text takes 5 with its NUL; shorten it or enlarge the array",
    ),
    "text of another size": (
        "ab",
        8,
        "config.magic",
        "PATCH010: `config.magic` has 4 bytes for text, 8 requested; correct or leave out the size",
    ),
    "text with a NUL": (
        "a\0b",
        None,
        "text",
        "PATCH023: the text for `text` has a NUL inside, which ends it; leave it out",
    ),
    "no Unicode": ("a\udcff", None, "text", "PATCH023: the text for `text` is no Unicode; correct it"),
    "no boolean": (
        2,
        1,
        "config.clients[0].on",
        "PATCH011: `config.clients[0].on` is a boolean, and 2 is none; give 0 or 1",
    ),
    "bit-field": (
        1,
        4,
        "config.clients[0].low",
        (
            "PATCH017: `config.clients[0].low` leads to no value: `config.clients[0].low` is a bit-field; patch the"
            " integer that holds it"
        ),
    ),
    "flexible array": (
        (1,),
        2,
        "config.rest",
        (
            "PATCH017: `config.rest` leads to no value: `config.rest` is a flexible array, which has no elements in its"
            " type; name another part"
        ),
    ),
    "no such section": (
        1,
        8,
        "[.blk_client_confg].clients[0].base",
        "PATCH021: no section is named `.blk_client_confg`; did you mean `[.blk_client_config]`?",
    ),
    "no section like it": (1, 8, "[nothing]", "PATCH021: no section is named `nothing`; put a variable there"),
    "section with two variables": (
        1,
        8,
        "[.two]",
        "PATCH021: 2 variables are in section `.two`: `first`, `second`; name one by its symbol",
    ),
    "section without variables": (
        1,
        8,
        "[.empty]",
        "PATCH021: no variable is in section `.empty`; put one there, or name it by its symbol",
    ),
    "section that is a structure": (
        1,
        None,
        CONFIG,
        "PATCH010: `[.blk_client_config]` has {config} bytes, no integer; name a member or an element of it",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_values_that_a_variable_cannot_have(shapes: Path, name: str) -> None:
    value, size_bytes, symbol, message = REFUSED[name]
    with pytest.raises(PatchError) as caught:
        plan_file(str(shapes), [PatchRequest(symbol, value, size_bytes)])
    assert f"{caught.value.code}: {caught.value.message}" == message.format(config=config_bytes(shapes))
    assert (caught.value.symbol, caught.value.also) == (symbol, ())


def config_bytes(path: Path) -> int:
    elf = Elf(path)
    return elf.get(SYMBOL, elf.symbol_at("config"), "size")


def test_a_size_stands_in_for_types(untyped: Path, tmp_path: Path) -> None:
    target = str(tmp_path / "patched")
    patch_file(str(untyped), target, [PatchRequest("numbers", (4, 3, 2, 1), 8), PatchRequest("text", "new", 8)])
    (numbers, text) = plan_file(target, [PatchRequest("numbers", (0,) * 4, 8), PatchRequest("text", "", 8)])
    assert numbers.old == b"".join(n.to_bytes(8, "little") for n in (4, 3, 2, 1))
    assert text.old == b"new\0\0\0\0\0"


@pytest.mark.parametrize(("symbol", "value"), [("numbers", (1, 2, 3, 4)), ("text", "new")])
def test_arrays_and_text_without_types_need_a_size(untyped: Path, symbol: str, value: Value) -> None:
    with pytest.raises(PatchError) as caught:
        plan_file(str(untyped), [PatchRequest(symbol, value, None)])
    assert str(caught.value) == (
        f"{untyped}: error[PATCH022]: the type of `{symbol}` cannot be read: the file has no debug information;"
        " compile with -g, and do not strip it"
    )


def test_requests_that_differ_are_told_as_they_were_made(shapes: Path) -> None:
    requests = [PatchRequest("text", "a", None), PatchRequest("text", (1, 2), 1)]
    with pytest.raises(PatchError) as caught:
        plan_file(str(shapes), requests)
    message = "`text` is requested twice, as 'a' (its own size) and as [0x1, 0x2] (1 byte each); keep one"
    assert caught.value.message == message


def test_verifying_shows_arrays_and_text_as_such(shapes: Path) -> None:
    with pytest.raises(PatchError) as caught:
        verify_file(str(shapes), [PatchRequest("config.mac", (1,) * 6, 1), PatchRequest("text", "new", None)])
    mac, text = (fault.message.partition(" is ")[2] for fault in caught.value.faults)
    assert mac == (
        "[0x00, 0x00, 0x00, 0x00, 0x00, 0x00] instead of [0x01, 0x01, 0x01, 0x01, 0x01, 0x01]; patch the file"
    )
    assert text == '"old" instead of "new"; patch the file'


CLIENT = [
    TypeLeaf(".base", 0, 8, "unsigned"),
    TypeLeaf(".on", 8, 1, "boolean"),
    TypeLeaf(".mode", 12, 4, "enumeration"),
    TypeLeaf(".low", 16, 4, "bit-field"),
    TypeLeaf(".both.whole", 24, 8, "unsigned"),
    TypeLeaf(".both.halves[0]", 24, 4, "unsigned"),
    TypeLeaf(".both.halves[1]", 28, 4, "unsigned"),
    TypeLeaf(".inner", 32, 2, "unsigned"),
    TypeLeaf(".pointer", 40, 8, "pointer"),
    TypeLeaf(".ratio", 48, 8, "float"),
    TypeLeaf(".name", 56, 8, "text"),
]


@pytest.mark.parametrize("symbol", ["config.clients[1]", f"{CONFIG}.clients[0]"])
def test_a_structure_is_described_part_by_part(shapes: Path, symbol: str) -> None:
    assert list(describe_type(str(shapes), symbol)) == CLIENT


def test_a_variable_is_described_as_a_compiler_lays_it_out(shapes: Path) -> None:
    leaves = {leaf.path: leaf for leaf in describe_type(str(shapes), CONFIG)}
    assert leaves == {leaf.path: leaf for leaf in describe_type(str(shapes), "config")}
    assert leaves[".magic"] == TypeLeaf(".magic", 0, 4, "text")
    assert leaves[".clients[1].base"] == TypeLeaf(".clients[1].base", 72, 8, "unsigned")
    assert leaves[".grid[1][2]"] == TypeLeaf(".grid[1][2]", 156, 4, "unsigned")
    assert leaves[".mac[5]"] == TypeLeaf(".mac[5]", 165, 1, "unsigned")
    assert leaves[".names[1]"] == TypeLeaf(".names[1]", 170, 4, "text")
    assert leaves[".rest"] == TypeLeaf(".rest", 174, 0, "flexible array")
    assert describe_type(str(shapes), "alone") == (TypeLeaf("", 0, 4, "unsigned"),)


def test_a_description_needs_types_and_a_variable(shapes: Path, untyped: Path) -> None:
    with pytest.raises(PatchError, match=r"PATCH022.*the file has no debug information; compile with -g"):
        describe_type(str(untyped), "config")
    with pytest.raises(PatchError, match=r"PATCH007.*did you mean `config`"):
        describe_type(str(shapes), "confg")
    with pytest.raises(PatchError, match=r"PATCH017.*`config` has no member `clint`; did you mean `clients`\?"):
        describe_type(str(shapes), "config.clint")


def test_the_command_line_takes_arrays_and_text(shapes: Path, tmp_path: Path) -> None:
    target = tmp_path / "patched"
    arguments = ["numbers=[1, 0x10,3,4]", 'text="a=\\"b"', "config.mac=[1,2,3,4,5,6]:1", f'{CONFIG}.magic="x"']
    command = [sys.executable, "-m", "patcher", str(shapes), *arguments, "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "[0x01, 0x02, 0x03, 0x04, 0x05, 0x06]" in done.stdout
    assert read_values(str(target), ["numbers", "text", "config.mac", "config.magic"]) == {
        "numbers": (1, 16, 3, 4),
        "text": 'a=\\"b',
        "config.mac": (1, 2, 3, 4, 5, 6),
        "config.magic": "x",
    }
