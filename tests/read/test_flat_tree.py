"""Device trees as files: dtc judges what is read and written; whatever is broken is told, and never an exception."""

from __future__ import annotations

import contextlib
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdfgen.read.flat_tree import (
    HEADER,
    MOST_BYTES,
    MOST_LEVELS,
    FlatTree,
    FlatTreeError,
    TreeNode,
    flat_tree_bytes,
    read_flat_tree,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = """\
/dts-v1/;
/memreserve/ 0x1000 0x2000;
/ {
    model = "a board";
    compatible = "one", "two";
    flag;
    odd = [01 02 03];
    soc { reg = <1 2>; device@10 { phandle = <7>; }; };
};
"""


def dtc(*arguments: str, stdin: bytes) -> bytes:
    if shutil.which("dtc") is None:
        pytest.skip("dtc (device-tree-compiler) is not installed")
    done = subprocess.run(["dtc", "-q", *arguments, "-"], input=stdin, capture_output=True, check=True)
    return done.stdout


def compiled(*options: str, text: str = SOURCE) -> bytes:
    return dtc("-I", "dts", "-O", "dtb", *options, stdin=text.encode())


def test_every_property_and_node_is_read() -> None:
    tree = read_flat_tree(compiled("-b", "3"))
    (soc,) = tree.root.children
    assert (tree.boot_cpu, tree.reserved) == (3, struct.pack(">4Q", 0x1000, 0x2000, 0, 0))
    assert tree.root.properties["compatible"] == b"one\0two\0"
    assert (tree.root.properties["flag"], tree.root.properties["odd"]) == (b"", b"\1\2\3")
    assert (tree.root.text("model"), soc.name, soc.child("device@10") is not None) == ("a board", "soc", True)
    assert [node.cell("phandle") for node in soc.children] == [7]


@pytest.mark.parametrize("version", ["16", "17"])
def test_what_is_written_is_what_dtc_reads(version: str) -> None:
    base = compiled("-V", version)
    written = flat_tree_bytes(read_flat_tree(base))
    assert dtc("-I", "dtb", "-O", "dts", stdin=written) == dtc("-I", "dtb", "-O", "dts", stdin=base)


def test_padding_is_no_part_of_a_tree() -> None:
    assert read_flat_tree(compiled("-S", "65536") + bytes(100)) == read_flat_tree(compiled())


def levels(count: int) -> bytes:
    node = TreeNode("n", {}, ())
    for _ in range(count - 2):
        node = TreeNode("n", {}, (node,))
    return flat_tree_bytes(FlatTree(TreeNode("", {}, (node,))))


def with_word(data: bytes, index: int, value: int) -> bytes:
    return data[: 4 * index] + struct.pack(">I", value) + data[4 * (index + 1) :]


GOOD = flat_tree_bytes(FlatTree(TreeNode("", {"a": b"b\0"}, (TreeNode("n", {}, ()),))))
NODES = HEADER.size + 16
TOTAL, NODES_AT, NAMES_AT, RESERVED_AT, VERSION, COMPATIBLE, NAMES_BYTES, NODES_BYTES = 1, 2, 3, 4, 5, 6, 8, 9
WRONG: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "is empty"),
    "source": (SOURCE.encode, "is the source of a device tree, and not compiled"),
    "text": (lambda: b"a board\n", "is no device tree: it is of no known kind and starts with 61 20 62 6f 61 72 64 0a"),
    "gzip": (lambda: b"\x1f\x8b\x08\0" + bytes(9), "is no device tree: it is compressed by gzip"),
    "cut in the header": (lambda: GOOD[:39], "is cut off: it has 39 bytes, the header of a device tree 40"),
    "cut by a byte": (
        lambda: GOOD[:-1],
        f"is cut off: it has {len(GOOD) - 1} bytes, and its header tells of {len(GOOD)}",
    ),
    "older": (lambda: with_word(GOOD, VERSION, 15), "is a device tree of version 15 (as 16); Linux's form is 17"),
    "newer": (lambda: with_word(GOOD, COMPATIBLE, 18), "is a device tree of version 17 (as 18); Linux's form is 17"),
    "large": (
        lambda: with_word(GOOD, TOTAL, MOST_BYTES + 1),
        f"has {MOST_BYTES + 1} B; Linux takes a device tree of 2 MiB at most",
    ),
    "nodes outside": (
        lambda: with_word(GOOD, NODES_AT, 2**32 - 4),
        "is a device tree whose header leads beyond its end",
    ),
    "names outside": (lambda: with_word(GOOD, NAMES_BYTES, 3), "is a device tree whose header leads beyond its end"),
    "nodes at no word": (
        lambda: with_word(GOOD, NODES_AT, NODES + 1),
        "is a device tree whose header leads beyond its end",
    ),
    "reserved outside": (
        lambda: with_word(GOOD, RESERVED_AT, len(GOOD) - 8),
        "is a device tree whose reserved memory leads beyond its end",
    ),
    "no end": (lambda: with_word(GOOD, NODES_BYTES, 8), f"is a broken device tree: at byte {NODES + 8}, no end"),
    "unknown token": (
        lambda: with_word(GOOD, NODES // 4, 5),
        f"is a broken device tree: at byte {NODES + 4}, token 0x5 where none such may be",
    ),
    "no root": (
        lambda: with_word(GOOD, NODES // 4, 9),
        f"is a broken device tree: at byte {NODES + 4}, no root, or nodes that do not end",
    ),
    "property outside": (
        lambda: with_word(GOOD, NODES // 4 + 3, 2**31),
        f"is a broken device tree: at byte {NODES + 12}, a property that leads beyond its end",
    ),
    "name outside": (
        lambda: with_word(GOOD, NODES // 4 + 4, 2),
        f"is a broken device tree: at byte {NODES + 24}, a property whose name lies beyond its end",
    ),
    "deep": (lambda: levels(MOST_LEVELS + 1), "nodes more than 64 levels deep"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_tree_is_told(name: str) -> None:
    make, what = WRONG[name]
    with pytest.raises(FlatTreeError) as caught:
        read_flat_tree(make())
    assert caught.value.what.endswith(what) if name == "deep" else caught.value.what == what
    assert caught.value.advice


def test_the_deepest_tree_and_the_whole_file_are_good() -> None:
    assert read_flat_tree(GOOD).root.children[0].name == "n"
    tree = read_flat_tree(levels(MOST_LEVELS))
    assert flat_tree_bytes(tree) == levels(MOST_LEVELS)


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(GOOD) - 1), data=st.binary(min_size=1, max_size=12))
def test_damage_is_told_or_harmless(at: int, data: bytes) -> None:
    with contextlib.suppress(FlatTreeError):
        tree = read_flat_tree(GOOD[:at] + data + GOOD[at + len(data) :])
        assert read_flat_tree(flat_tree_bytes(tree)) == tree
