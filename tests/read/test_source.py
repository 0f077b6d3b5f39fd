"""Reading: places of keys and values, includes, overrides, settings, and files that are no descriptions."""

from __future__ import annotations

import os
import tomllib
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdfgen.describe import describe
from sdfgen.faults.fault import Faults
from sdfgen.faults.render import FORMATS, as_text
from sdfgen.faults.source import Source, Where
from sdfgen.read.load import load, setting
from sdfgen.read.merge import override
from sdfgen.read.toml import Node, parse
from tests.mutate import dump

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sdfgen.faults.place import Path as TreePath
    from sdfgen.faults.place import Span

GOOD = """\
[system]
name = "demo"
boards = ["qemu_virt_aarch64"]

[[protection_domain]]
name = "pd"
program_image = "pd.elf"
"""

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
SCALARS = st.one_of(
    st.integers(-(2**63), 2**64), WORDS, st.booleans(), st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=6,
)


def paths(value: object, path: TreePath = ()) -> Iterator[tuple[TreePath, object]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in items:
        yield (*path, step), inner
        yield from paths(inner, (*path, step))


def text_at(source: Source, span: Span) -> str:
    return source.line(span.line)[span.column - 1 : span.column - 1 + span.width]


@given(st.dictionaries(WORDS, VALUES, max_size=4), st.integers(), st.sampled_from(["\n", "\r\n"]))
def test_every_value_and_key_has_its_place(tree: dict[str, Any], seed: int, line_end: str) -> None:
    text = dump(tree, Random(seed))  # noqa: S311 - repeatable, not secret
    assert tomllib.loads(text) == tree
    source = Source("t.toml", text.replace("\n", line_end))
    for path, value in paths(tree):
        if not isinstance(value, (dict, list)):
            assert tomllib.loads(f"v = {text_at(source, source.span(path))}")["v"] == value
        if isinstance(path[-1], str):
            key = text_at(source, source.span(path, key=True))
            assert path[-1] in _parts(tomllib.loads(f"{key} = 0"))


def _parts(tree: object) -> list[str]:
    return [part for key, inner in tree.items() for part in (key, *_parts(inner))] if isinstance(tree, dict) else []


@given(st.text(max_size=200))
def test_no_text_has_a_place_outside(text: str) -> None:
    faults = Faults()
    source = Source("t.toml", text)
    node = parse(source, faults)
    assert (node is None) == bool(faults.errors)
    for fault in faults:
        lines = text.split("\n")
        assert 1 <= fault.place.line <= len(lines)
        assert 1 <= fault.place.column <= len(lines[fault.place.line - 1]) + 1


def plain(node: Node) -> object:
    value = node.value
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def read(text: str) -> Node:
    node = parse(Source("t.toml", text), Faults())
    assert node is not None
    return node


@pytest.mark.parametrize(
    ("base", "other", "expected"),
    [
        ("a = 1", "a = 2", {"a": 2}),
        ("a = 1", "b = 2", {"a": 1, "b": 2}),
        ("t = {a = 1, b = 2}", "t = {b = 3}", {"t": {"a": 1, "b": 3}}),
        ("l = [1, 2]", "l = [3]", {"l": [3]}),
        ("c = [{name = 'x', n = 1}]", "c = [{name = 'x', n = 2}]", {"c": [{"name": "x", "n": 2}]}),
        ("c = [{name = 'x'}]", "c = [{name = 'y'}]", {"c": [{"name": "x"}, {"name": "y"}]}),
        ("c = [{name = 'x', n = 1}]", "c.x.n = 2", {"c": [{"name": "x", "n": 2}]}),
        ("c = [{name = 'x'}, {n = 1}]", "c.1.n = 2", {"c": [{"name": "x"}, {"n": 2}]}),
        (
            "c = [{name = 'x', d = [{n = 1}, {n = 2}]}]",
            "c.x.d.1.n = 3",
            {"c": [{"name": "x", "d": [{"n": 1}, {"n": 3}]}]},
        ),
        ("c = [{n = 1}, {n = 2}]", "c = {0 = {m = 3}}", {"c": [{"n": 1, "m": 3}, {"n": 2}]}),
        ("l = [1, 2]", "l.1 = 3", {"l": [1, 3]}),
        ("c = [{name = 'x'}]", "c.x = 5", {"c": [5]}),
        ("c = [{name = 'x'}]", "c = 5", {"c": 5}),
        ("c = []", "c = [{name = 'y'}]", {"c": [{"name": "y"}]}),
        ("a = 1", "a = {b = 2}", {"a": {"b": 2}}),
    ],
)
def test_override(base: str, other: str, expected: object) -> None:
    faults = Faults()
    assert plain(override(read(base), read(other), faults)) == expected
    assert [fault.message for fault in faults] == []


@pytest.mark.parametrize(
    ("base", "other", "message"),
    [
        ("c = [{name = 'logs'}]", "c.logz.n = 2", "`c` has no element `logz` (did you mean `logs`?)"),
        ("c = [{name = 'logs'}]", "c = {y = {n = 2}}", "`c` has no element `y`"),
        ("c = [{name = 'x'}]", "c.0.n = 2", "`c` has no element `0`"),
        ("c = []", "c.x.n = 2", "`c` has no element `x`"),
        ("c = [{name = 'x', d = [{n = 1}]}]", "c.x.d.1.n = 3", "`c.x.d` has no element `1`"),
        ("c = [{name = 'x', d = [{n = 1}]}]", "c.x.d.first.n = 3", "`c.x.d` has no element `first`"),
        ("t = {c = [{name = 'x', d = [1]}]}", "t = {c = [{name = 'x', d = {2 = 1}}]}", "`t.c.x.d` has no element `2`"),
    ],
)
def test_an_override_that_leads_nowhere(base: str, other: str, message: str) -> None:
    faults = Faults()
    assert plain(override(read(base), read(other), faults)) == plain(read(base))
    assert [(fault.code, fault.message) for fault in faults] == [("SDF019", message)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("system.config=release", {"system": {"config": "release"}}),
        ('system.config="release"', {"system": {"config": "release"}}),
        ("a.b = 0x10", {"a": {"b": 16}}),
        ("a=2 MiB", {"a": "2 MiB"}),
        ("a=[1, 2]", {"a": [1, 2]}),
        ("a=", {"a": ""}),
        ("a==b", {"a": "=b"}),
        ('guest."my client".ram = 1', {"guest": {"my client": {"ram": 1}}}),
    ],
)
def test_setting(text: str, expected: object) -> None:
    node = setting(text, Faults())
    assert node is not None
    assert plain(node) == expected


@pytest.mark.parametrize(
    "text", ["", "system.config", "=", "=1", "a b=1", "a.=1", "\0=1", "[a]=1", "a\nb=1", "\udcff=1"]
)
def test_malformed_settings_are_faults(text: str) -> None:
    faults = Faults()
    assert setting(text, faults) is None
    assert [fault.code for fault in faults] == ["SDF008"]
    for show in FORMATS.values():
        assert show(faults.sorted())


def write(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def messages(path: str, *settings: str) -> str:
    return as_text(describe(path, settings).faults.sorted())


NAMED = (
    GOOD
    + """map = [{ mr = "ram", vaddr = 0x200_0000 }]
[[memory_region]]
name = "ram"
size = 0x1000
"""
)


def test_a_setting_that_leads_nowhere_is_told_once(tmp_path: Path) -> None:
    path = write(tmp_path, "d.toml", NAMED)
    text = messages(path, "protection_domain.pq.priority=3")
    assert text.startswith("--set protection_domain.pq.priority=3:1:1: error[SDF019]: `protection_domain` has no")
    assert text.endswith("\n1 error\n")


def test_a_setting_reaches_elements_without_names(tmp_path: Path) -> None:
    path = write(tmp_path, "d.toml", NAMED)
    described = describe(path, ["protection_domain.pd.map.0.vaddr=0x300_0000"])
    assert [m.vaddr for m in described.systems["qemu_virt_aarch64"].pds[0].maps] == [0x300_0000]


def test_a_setting_reaches_what_a_board_adds(tmp_path: Path) -> None:
    added = '[[board.qemu_virt_aarch64.protection_domain]]\nname = "added"\nprogram_image = "added.elf"\n'
    path = write(tmp_path, "d.toml", NAMED + added)
    described = describe(path, ["protection_domain.added.priority=3"])
    assert not described.faults
    assert {pd.name: pd.priority for pd in described.systems["qemu_virt_aarch64"].pds} == {"added": 3, "pd": 0}


def test_a_setting_of_a_board_that_leads_nowhere(tmp_path: Path) -> None:
    added = '[[board.qemu_virt_aarch64.protection_domain]]\nname = "added"\nprogram_image = "added.elf"\n'
    path = write(tmp_path, "d.toml", NAMED + added)
    text = messages(path, "board.qemu_virt_aarch64.protection_domain.add.priority=3")
    assert "`board.qemu_virt_aarch64.protection_domain` has no element `add` (did you mean `added`?)" in text
    assert text.endswith("\n1 error\n")


def test_settings_override_the_file_and_are_named_in_faults(tmp_path: Path) -> None:
    path = write(tmp_path, "d.toml", GOOD)
    assert describe(path, ["system.config=release"]).systems["qemu_virt_aarch64"].config == "release"
    text = messages(path, "system.config=fast")
    assert text.startswith("--set system.config=fast:1:1: error[SDF010]: unknown Microkit configuration 'fast'")
    assert messages(path, "system.confg=debug").startswith("--set system.confg=debug:1:1: error[SDF004]")
    assert messages(path, "protection_domain.pd.priority=300").startswith(
        "--set protection_domain.pd.priority=300:1:1:"
    )


def test_settings_apply_in_order(tmp_path: Path) -> None:
    path = write(tmp_path, "d.toml", GOOD)
    described = describe(path, ["system.config=release", "system.config=benchmark"])
    assert described.systems["qemu_virt_aarch64"].config == "benchmark"


def test_a_file_that_is_not_there() -> None:
    text = messages("no_such.toml")
    assert text.startswith("no_such.toml:1:1: error[SDF001]: 'no_such.toml' cannot be read: No such file or directory")


def test_a_folder_is_no_description(tmp_path: Path) -> None:
    assert "cannot be read: Is a directory" in messages(str(tmp_path))
    (tmp_path / "system.toml").write_text("")
    (tmp_path / ".taplo.toml").touch()
    (tmp_path / "a.toml").touch()
    assert f"name a file in it: {tmp_path}/system.toml" in messages(str(tmp_path))
    assert "No such file or directory (did you mean `system.toml`?)" in messages(str(tmp_path / "sytem.toml"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = write(tmp_path, "d.toml", GOOD)
    os.chmod(path, 0)
    assert "cannot be read: Permission denied" in messages(path)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "/dev/zero", "/dev/null/x", "", "~nobody"])
def test_odd_includes_are_faults(tmp_path: Path, name: str) -> None:
    source = Source("d.toml", "", None)
    path = write(tmp_path, "d.toml", dump({"include": [name]}, Random(0)) + GOOD)  # noqa: S311 - no secret
    faults = describe(path).faults.sorted()
    assert [fault.code for fault in faults] == ["SDF001"]
    assert faults[0].place.line == 1
    assert source.line(1) == ""


def test_undecodable_bytes_have_a_place(tmp_path: Path) -> None:
    path = write(tmp_path, "d.toml", GOOD.encode() + "# é".encode() + b"\xff\n")
    (fault,) = describe(path).faults
    assert (fault.code, fault.place.line, fault.place.column) == ("SDF001", 8, 4)
    assert "byte 0xff" in fault.message


def test_a_byte_order_mark_and_carriage_returns_do_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path, "d.toml", b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert not describe(path).faults.errors
    path = write(tmp_path, "e.toml", b"\xef\xbb\xbf" + GOOD.replace('"pd"', "5").replace("\n", "\r\n").encode())
    assert messages(path).startswith(f"{path}:6:8: error[SDF003]")


def test_an_empty_file(tmp_path: Path) -> None:
    text = messages(write(tmp_path, "d.toml", ""))
    assert text.count("error") == 2
    assert "d.toml:1:1: error[SDF005]: key `system` is missing" in text


def test_includes_join(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    write(
        tmp_path,
        "sub/more.toml",
        '[[protection_domain]]\nname = "b"\nprogram_image = "b.elf"\n[system]\nconfig = "release"',
    )
    path = write(tmp_path, "d.toml", 'include = ["sub/more.toml"]\n' + GOOD)
    node, files = load(path, Faults())
    assert node is not None
    tree = plain(node)
    assert isinstance(tree, dict)
    assert [pd["name"] for pd in tree["protection_domain"]] == ["pd", "b"]
    assert tree["system"]["config"] == "release"
    assert "include" not in tree
    assert files == [path, str(tmp_path / "sub/more.toml")]
    assert list(describe(path).systems) == ["qemu_virt_aarch64"]


def test_a_file_may_be_included_on_two_ways(tmp_path: Path) -> None:
    write(tmp_path, "region.toml", '[[memory_region]]\nname = "r"\nsize = "4 KiB"\n')
    write(tmp_path, "a.toml", 'include = ["region.toml"]\n')
    path = write(tmp_path, "d.toml", 'include = ["a.toml", "region.toml"]\n' + GOOD)
    text = messages(path)
    assert "SDF007" not in text
    assert "SDF024" in text  # the region is there twice, which a rule tells


def test_a_fault_in_an_included_file_is_placed_there(tmp_path: Path) -> None:
    write(tmp_path, "more.toml", "\n[system]\nconfg = 1\n")
    path = write(tmp_path, "d.toml", 'include = ["more.toml"]\n' + GOOD)
    assert messages(path).startswith(
        f"{tmp_path}/more.toml:3:1: error[SDF004]: unknown key `confg` (did you mean `config`?)"
    )


@pytest.mark.parametrize("levels", [63, 64, 65, 100, 5000])
def test_deep_nesting_is_a_fault(tmp_path: Path, levels: int) -> None:
    path = write(tmp_path, "d.toml", GOOD + f"x = {'[' * levels}{']' * levels}\n")
    assert describe(path).faults.errors == 1
    text = messages(path)
    assert ("SDF002" in text) == (levels > 62)


@pytest.mark.parametrize(
    "line",
    [
        *("x = " + "9" * 5000, "x = 0x" + "f" * 100_000, "x = 1e999999", "x = nan", "x = 9999-12-31", "x = " + "'" * 9),
        *("x." * 500 + "y = 1", "[" + "x." * 500 + "y]", "x = '" + "y" * 10**6 + "'", '"" = 1', '"\\u0000" = 1'),
    ],
)
def test_enormous_things_are_faults(tmp_path: Path, line: str) -> None:
    path = write(tmp_path, "d.toml", GOOD + line + "\n")
    text = messages(path)
    assert text.count("error[") == 1
    assert all(part.isprintable() for part in text.split("\n"))


def test_a_path_of_odd_bytes_is_shown(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n.toml")
    for show in FORMATS.values():
        text = show(describe(path).faults.sorted())
        assert text.encode()
        assert "\n.toml" not in text


def test_columns_count_characters_and_carets_stand_below(tmp_path: Path) -> None:
    path = write(tmp_path, "d.toml", GOOD.replace("program_image", '"名前\\u0301é" = 1\n\tprioritx = 1\nprogram_image'))
    lines = messages(path).split("\n")
    excerpt = next(i for i, line in enumerate(lines) if "名前" in line and "|" in line)
    assert lines[excerpt + 1].index("^") == lines[excerpt].index('"')
    assert lines[excerpt + 1].count("^") == len('"名前\\u0301é"') + 2
    tabbed = next(i for i, line in enumerate(lines) if "prioritx" in line and "|" in line)
    assert lines[tabbed + 1].index("^") == lines[tabbed].index("prioritx")


def test_places_read_as_paths() -> None:
    where = Where(Source("t.toml", ""), ("guest", 1, "disk", 0, "name"))
    assert where.text == "guest[1].disk[0].name"
