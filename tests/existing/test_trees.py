"""Device trees beside a system file: read from source and flattened, and whose they are."""

from __future__ import annotations

import os
import shutil
import subprocess
from random import Random
from typing import TYPE_CHECKING

import pytest

from sdfgen.describe import describe
from sdfgen.existing.examine import examine
from sdfgen.existing.request import Request
from sdfgen.existing.trees import guest_tree, parts, tree_of
from sdfgen.faults.fault import Faults
from sdfgen.faults.render import as_text
from sdfgen.generate import generated_files
from sdfgen.read.c_constants import CText, constants
from sdfgen.read.conditions import Branches, Macros
from sdfgen.read.dts import Trees
from sdfgen.read.flat_tree import read_flat_tree
from sdfgen.read.tree import Node, of_flat
from tests.paths import EXAMPLE, FAULTS, SYSTEMS
from tests.trees import ODROID, VIRT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DTC, FDTOVERLAY, CPP = (shutil.which(name) for name in ("dtc", "fdtoverlay", "cpp"))
PARTS = FAULTS / "parts"
COUNT = int(os.environ.get("SDFGEN_FUZZ", "2000")) // 10


def read(*texts: str) -> tuple[Node, Faults]:
    faults = Faults()
    trees = Trees((), faults)
    for text in texts:
        trees.add("x.dts", text)
    return trees.root, faults


def root(body: str) -> Node:
    found, faults = read(f"/dts-v1/; / {{ {body} }};")
    assert not faults, as_text(faults.sorted())
    return found


def said(node: Node) -> Iterator[tuple[str, str, tuple[int | None, ...], tuple[str, ...]]]:
    """Yield path, property, numbers and strings of a tree; of a property that may be either, what it is in both."""
    for one in node.walk():
        for prop in one.properties.values():
            yield one.path, prop.name, tuple(cell.value for cell in prop.cells), prop.strings


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("<1 0x10 010>", [1, 16, 8]),
        ("<1>, <2>", [1, 2]),
        ("<(1 + 2 * 4) (1 << 4)>", [9, 16]),
        ("/bits/ 64 <0x100000002>", [1, 2]),
        ("<'a' '\\n'>", [97, 10]),
        ("<UNKNOWN 5>", [None, 5]),
        ("<one: 1 two: 2>", [1, 2]),
        ("[00 01], <3>", [3]),
        ("<(9**9)>", [None]),
    ],
)
def test_cells(text: str, cells: list[int | None]) -> None:
    found = root(f"a = {text};").properties["a"]
    assert [cell.value for cell in found.cells] == cells


def test_strings() -> None:
    found = root('a = "x", "y\\0z", "\\"q\\"";')
    assert found.strings("a") == ("x", "y", "z", '"q"')


def test_later_parts_add_and_override() -> None:
    base = "/dts-v1/; / { s: soc { a = <1>; b { c = <2>; }; gone { }; }; };"
    over = '&s { a = <3>; b { d; }; /delete-node/ gone; }; / { soc { e = "f"; }; }; &{/soc/b} { g = <7>; };'
    found, faults = read(base, over)
    assert not faults
    soc = found.children["soc"]
    assert (soc.cell("a"), soc.strings("e"), list(soc.children)) == (3, ("f",), ["b"])
    assert (soc.children["b"].cell("c"), "d" in soc.children["b"].properties, soc.children["b"].cell("g")) == (
        2,
        True,
        7,
    )


def test_included_files_and_constants(tmp_path: Path) -> None:
    (tmp_path / "a.dtsi").write_text("/ { a = <ONE>; };\n")
    (tmp_path / "b.h").write_text("#define ONE 1\n#define SUM (2)\n")
    text = '/dts-v1/;\n#include "b.h"\n#include "a.dtsi"\n/include/ "a.dtsi"\n/ { b = <SUM>; #address-cells = <1>; };\n'
    path = tmp_path / "x.dts"
    path.write_text(text)
    faults = Faults()
    found = tree_of([str(path)], (), faults)
    assert found is not None, as_text(faults.sorted())
    assert (found[0].cell("a"), found[0].cell("b"), found[0].cell("#address-cells")) == (1, 2, 1)


def test_no_include_leads_out_of_the_folders(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "secret")
    for name in ("../secret", str(tmp_path / "secret"), "link"):
        path = tmp_path / "in" / "x.dts"
        path.write_text(f'/dts-v1/; /include/ "{name}" / {{ }};')
        faults = Faults()
        assert tree_of([str(path)], (), faults) is None
        (fault,) = faults
        assert (fault.code, "is outside of the folders" in fault.message) == ("SDF210", True)
        faults = Faults()
        tree_of([str(path)], (str(tmp_path),), faults)
        assert ["secret" in fault.message for fault in faults] == [True], "which is read then, and no device tree"


def test_addresses_are_those_that_the_cpu_sees() -> None:
    tree = guest_tree(
        root(
            "#address-cells = <2>; #size-cells = <1>;"
            "bus { #address-cells = <1>; #size-cells = <1>; ranges = <0x0 0x1 0x80000000 0x1000>;"
            "  in@10 { reg = <0x10 0x20>; }; out@2000 { reg = <0x2000 0x20>; }; };"
            "i2c { #address-cells = <1>; #size-cells = <1>; chip@1 { reg = <1 1>; }; };"
            'off@0 { status = "disabled"; reg = <0 0 1>; on@0 { status = "okay"; reg = <0 1>; }; };'
        ),
        "linux",
    )
    found = [(d.path, [(e.start, e.end) for e in d.registers]) for d in tree.devices]
    assert found == [("/bus/in@10", [(0x1_8000_0010, 0x1_8000_0030)])]


def test_interrupts_are_counted_as_microkit_does() -> None:
    tree = guest_tree(
        root(
            "interrupt-parent = <1>; gic { phandle = <1>; interrupt-controller; #interrupt-cells = <3>; };"
            "a { interrupts = <0 5 4>, <1 13 8>; };"
            "other { phandle = <2>; interrupt-controller; #interrupt-cells = <2>; };"
            "b { interrupt-parent = <2>; interrupts = <3 4 5>; };"
            "pci { #address-cells = <3>; #interrupt-cells = <1>; #size-cells = <2>;"
            "  interrupt-map = <0 0 0 1 1 0 3 4>, <0x800 0 0 1 1 0 4 4>; };"
        ),
        "linux",
    )
    found = {d.path: ([(i.intid, i.trigger) for i in d.interrupts], [i.intid for i in d.handed]) for d in tree.devices}
    assert found == {"/a": ([(37, "level"), (29, "level")], []), "/pci": ([], [35, 36])}
    assert tree.whole


@pytest.mark.parametrize("text", [ODROID, VIRT], ids=["odroid", "virt"])
def test_source_says_what_dtc_makes_of_it(text: str, tmp_path: Path) -> None:
    if DTC is None:
        pytest.skip("there is no dtc")
    (tmp_path / "x.dts").write_text(text)
    made = subprocess.run([DTC, "-q", "-O", "dtb", str(tmp_path / "x.dts")], capture_output=True, check=True)
    flat = {key[:2]: key[2:] for key in said(of_flat(read_flat_tree(made.stdout).root, "x.dtb"))}
    found, faults = read(text)
    assert not faults
    for path, name, cells, strings in said(found):
        if cells and None not in cells:
            assert flat.pop((path, name))[0] == cells
        elif strings:
            assert flat.pop((path, name))[1] == strings
        else:
            flat.pop((path, name))
    assert {name for _, name in flat} <= {"phandle"}, "which dtc adds"


BASE = """/dts-v1/;
/ {
  #address-cells = <2>; #size-cells = <2>; interrupt-parent = <&gic>;
  gic: gic@1000 { reg = <0 0x1000 0 0x1000>; interrupt-controller; #interrupt-cells = <3>; };
  soc: soc { #address-cells = <1>; #size-cells = <1>; ranges = <0 0x1 0 0x100000>;
    pins: pins@0 { reg = <0 0x10>; interrupt-controller; #interrupt-cells = <2>; interrupts = <0 1 4>; };
    uart@100 { reg = <0x100 0x10>; interrupts = <0 2 4>; status = "disabled"; };
  };
};
"""
REFERRING = """/dts-v1/;
/plugin/;
&soc {
  uart@100 { status = "okay"; };
  hub: hub@200 { reg = <0x200 0x10>; interrupts-extended = <&pins 1 4 &gic 0 5 1>; };
  leaf@300 { reg = <0x300 0x10>; interrupt-parent = <&own>; interrupts = <0 6 4>; };
  own: own@400 { reg = <0x400 0x10>; interrupt-controller; #interrupt-cells = <2>; };
};
"""
BY_FRAGMENTS = REFERRING.replace("&soc {", "/ { fragment@0 { target = <&soc>; __overlay__ {") + "}; };"
BY_PATH = REFERRING.replace("&soc {", '/ { fragment@7 { target-path = "/soc"; __overlay__ {') + "}; };"


@pytest.mark.skipif(DTC is None or FDTOVERLAY is None, reason="dtc and fdtoverlay are the judges")
@pytest.mark.parametrize("overlay", [REFERRING, BY_FRAGMENTS, BY_PATH], ids=["labels", "fragments", "paths"])
def test_overlays_in_every_form_are_what_fdtoverlay_makes_of_them(overlay: str, tmp_path: Path) -> None:
    for name, text in (("base", BASE), ("over", overlay)):
        source = tmp_path / f"{name}.dts"
        source.write_text(text)
        subprocess.run(
            [str(DTC), "-q", "-@", "-O", "dtb", "-o", str(tmp_path / f"{name}.dtb"), str(source)], check=True
        )
    base, over, judged = (str(tmp_path / f"{name}.dtb") for name in ("base", "over", "judged"))
    subprocess.run([str(FDTOVERLAY), "-i", base, "-o", judged, over], check=True)

    def seen(*paths: str) -> list[tuple[object, ...]]:
        faults = Faults()
        found = tree_of(paths, (), faults)
        assert found is not None, as_text(faults.sorted())
        assert not faults, as_text(faults.sorted())
        devices = guest_tree(found[0], "linux").devices
        return sorted((d.path, [e[:2] for e in d.registers], [i[:2] for i in d.interrupts]) for d in devices)

    wanted = seen(judged)
    assert [path for path, *_ in wanted] == ["/soc/hub@200", "/soc/leaf@300", "/soc/uart@100"]
    assert wanted[0][2] == [(37, "edge")]
    assert wanted[1][2] == [], "of a controller that is no GIC"
    for one in (base, str(tmp_path / "base.dts")):
        for two in (over, str(tmp_path / "over.dts")):
            assert seen(one, two) == wanted, (one, two)


def test_an_overlay_without_its_base_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "over.dts"
    path.write_text(BY_FRAGMENTS)
    faults = Faults()
    found = tree_of([str(path)], (), faults)
    assert found is not None
    assert "fragment@0" not in found[0].children
    assert [(fault.severity, fault.message) for fault in faults] == [
        ("note", "`&soc` is in none of the files that are given")
    ]


@pytest.mark.parametrize("path", [EXAMPLE, SYSTEMS / "lone_guest.toml", SYSTEMS / "three_disks_two_blocks.toml"])
@pytest.mark.parametrize("end", [".dts", ".dtb"])
def test_what_is_built_agrees_with_itself(path: Path, end: str, tmp_path: Path) -> None:
    for system in describe(str(path)).systems.values():
        files = generated_files(system)
        trees = []
        for name, content in files.items():
            target = tmp_path / system.board.name / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            machine = os.path.basename(name).removesuffix(end)
            if name.endswith(end) and machine in [vm.name for _, vm in system.vms()]:
                trees.append(f"{machine}={target}")
        file = tmp_path / system.board.name / f"{system.name}.system"
        faults = examine(Request(str(file), system.board.name, trees=tuple(trees))).faults
        bad = [fault for fault in faults if fault.code.startswith("SDF21") and fault.severity != "note"]
        assert not bad, as_text(bad)


def test_files_of_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd=name.dts").touch()
    assert parts(["a.dts", "vm=b.dts", "vm=c.dts", "odd=name.dts"]) == {
        "": ["a.dts", "odd=name.dts"],
        "vm": ["b.dts", "c.dts"],
    }


def test_a_tree_finds_the_machine_whose_memory_it_has(tmp_path: Path) -> None:
    machine = (
        '<memory_region name="ram{n}" size="0x1000000" /><protection_domain name="vmm{n}" priority="1">'
        '<program_image path="v.elf" /><virtual_machine name="vm{n}"><vcpu id="0" />'
        '<map mr="ram{n}" vaddr="{address}" /></virtual_machine></protection_domain>'
    )
    text = "".join(machine.format(n=n, address=address) for n, address in ((1, "0x80000000"), (2, "0x40000000")))
    file = tmp_path / "x.system"
    file.write_text(f"<system>{text}</system>")
    examined = examine(Request(str(file), trees=(str(PARTS / "good.dts"),)))
    assert examined.system is not None
    assert [tree.machine for tree in examined.system.trees] == ["vm2"]


C = """
#define ONE 1
#ifdef BOARD_a
#define OF_A 0x10
#elif defined(BOARD_b) || defined(BOARD_c)
#define OF_B (0x20UL)
#else
#define OF_OTHERS 030
#endif
#if SOMETHING
#define UNSURE 1
#else
#define UNSURE 2
#endif
/* #define GONE 1 */ // #define GONE 2
#define TWO (ONE + 1) /* more
#define GONE 3 */
#define LONG \
    (TWO << \
     4)
#define FUNCTION(x) 1
#define OTHER LATER
#define TEXT "1"
#if 0
#define NEVER 1
#endif
#if !defined(BOARD_a)
#define NOT_A 1
#endif
"""


ANY = {"ONE": 1, "TWO": 2, "LONG": 32}


@pytest.mark.parametrize(
    ("board", "defines", "found"),
    [
        ("a", {}, {**ANY, "OF_A": 16}),
        ("c", {}, {**ANY, "OF_B": 32, "NOT_A": 1}),
        ("d", {}, {**ANY, "OF_OTHERS": 24, "NOT_A": 1}),
        (None, {"BOARD_c": "1"}, {**ANY, "OF_B": 32, "NOT_A": 1}),
        (None, {"OTHER": "1"}, ANY),
    ],
)
def test_constants_are_those_of_the_board(board: str | None, defines: dict[str, str], found: dict[str, int]) -> None:
    numbers = constants(CText("x.c", C), board, defines)
    assert {number.name: number.value for number in numbers if number.value is not None} == found


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("1", True),
        ("0", False),
        ("0x10 == 16 && 010 == 8", True),
        ("GIVEN", True),
        ("GIVEN == 3", True),
        ("GIVEN > 3 || GIVEN < 3", False),
        ("defined GIVEN && !defined(GONE)", True),
        ("defined(EMPTY)", True),
        ("(1 + 2) * 3 == 9 && 1 + 2 * 3 == 7", True),
        ("1 << 2 + 1 == 8", True),
        ("-1 < 0 && ~0 == -1 && +1", True),
        ("7 / 2 == 3 && 7 % 2", True),
        ("1 || UNKNOWN", True),
        ("0 && UNKNOWN", False),
        # Nobody knows these, or they are none.
        ("UNKNOWN", None),
        ("UNKNOWN || 0", None),
        ("1 / 0", None),
        ("1 << 99", None),
        ("FUNCTION(1)", None),
        ("LOOP", None),
        ("EMPTY", None),
        ("", None),
        ("1 +", None),
        ("(1", None),
        ("1)", None),
        ("defined", None),
        ("1 ? 2 : 3", None),
        ("'a'", None),
        ("(" * 150 + "1" + ")" * 150, None),
    ],
)
def test_conditions(condition: str, holds: bool | None) -> None:
    macros = Macros({"GIVEN": "3", "EMPTY": "", "LOOP": "LOOP2", "LOOP2": "LOOP"}, {"GONE": False}.get)
    macros.define("FUNCTION(x) 1")
    assert Branches(macros).directive("if", condition) == holds


@pytest.mark.skipif(CPP is None, reason="the C preprocessor is the judge")
def test_lines_are_those_that_cpp_leaves() -> None:
    conditions = ("if A", "ifdef A", "ifndef B", "if defined(B) || A > 2", "elif B", "elif !A", "else", "endif")
    words = (*conditions, "define A 1", "define B A", "undef A", "undef B")
    for seed in range(COUNT):
        random = Random(seed)  # noqa: S311 - repeatable, not secret
        text, depth, ended = [], 0, [False]
        for line in range(30):
            word = random.choice(words).split(" ", 1)
            inner = word[0] in ("elif", "else", "endif")
            if inner and (not depth or (ended[-1] and word[0] != "endif")):
                continue
            depth += 1 if word[0].startswith("if") else -1 if word[0] == "endif" else 0
            ended += [False] * word[0].startswith("if")
            ended[-1] |= word[0] == "else"
            ended = ended[:-1] if word[0] == "endif" else ended
            text += [f"#{' '.join(word)}", f"/ {{ n{line} = <1>; }};"]
        source = "\n".join([*text, *["#endif"] * depth, ""])
        done = subprocess.run(
            [str(CPP), "-P", "-undef", "-x", "c"], input=source, capture_output=True, text=True, check=True
        )
        tree, faults = read(source)
        assert not faults, (source, as_text(faults.sorted()))
        assert [f"/ {{ {name} = <1>; }};" for name in tree.properties] == done.stdout.split("\n")[:-1], source


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#if 1\n/ { };", "a condition does not end"),
        ("/ { };\n#endif", "#endif stands without a condition"),
        ("#else\n/ { };", "#else stands without a condition"),
        ("#if IS_ENABLED(X)\n#endif", "#if IS_ENABLED(X) cannot be evaluated here"),
        ("#ifndef X\n#error X is missing\n#endif", "the file says: X is missing"),
        ("#include X", "'#include X' names no file"),
    ],
)
def test_conditions_of_trees_that_are_none(text: str, said: str) -> None:
    _, faults = read(text)
    assert [(fault.code, fault.message) for fault in faults] == [("SDF210", said)]


def test_macros_of_trees_are_given_or_defined() -> None:
    text = """#define GIC_SPI 0
#define UART GIC_SPI 1 \\
    4
#define MASK(x) ((x) << 8)
/ {
#if defined(BOARD) && \\
    BOARD == 2
  a = <UART>; b = <1 MASK(4) 2>; c = <(BOARD + 1)>; d = <BOARD>;
#else
  this is passed over: @ $ "
#endif
};"""
    faults = Faults()
    trees = Trees((), faults, {"BOARD": "2"})
    trees.add("x.dts", text)
    assert not faults, as_text(faults.sorted())
    found = {name: [cell.value for cell in one.cells] for name, one in trees.root.properties.items()}
    assert found == {"a": [0, 1, 4], "b": [1, None, 2], "c": [3], "d": [2]}
    assert trees.root.properties["b"].where.span[:2] == (8, 15)


def test_macros_are_given_on_the_command_line() -> None:
    request = Request("x", defines=("A", "B=0x10", "C="))
    assert request.macros == {"A": "1", "B": "0x10", "C": ""}
    found = {
        one.name: one.value
        for one in constants(CText("x.c", "#if B > 1\n#define D (A + B)\n#endif"), None, request.macros)
    }
    assert found == {"D": 17}


def test_constants_have_their_place() -> None:
    (number,) = constants(CText("x.c", "\n  # define  A_B  ( 0x12 ) /* x */\n"), None, {})
    assert number.where.span[:] == (2, 20, 4)


def test_no_mutant_of_a_tree_ends_in_a_traceback() -> None:
    texts = [path.read_text() for path in sorted(PARTS.glob("*.dts"))] + [ODROID, VIRT, C]
    for seed in range(COUNT):
        random = Random(seed)  # noqa: S311 - repeatable, not secret
        text = random.choice(texts)
        for _ in range(random.randint(1, 4)):
            at, other = random.randrange(len(text)), random.randrange(len(text))
            new = random.choice(
                ("", "{", "}", "<", ">", ";", '"', "&x", "(", "0x", "/*", "\n#if\n", text[other : other + 30])
            )
            text = text[:at] + new + text[at + random.choice((0, 1, 9)) :]
        tree, faults = read(text)
        guest_tree(tree, "linux")
        as_text(faults.sorted())
        list(constants(CText("x", text), "a", {}))


@pytest.mark.skipif(DTC is None, reason="dtc makes what is mutated")
def test_no_mutant_of_a_compiled_overlay_ends_in_a_traceback(tmp_path: Path) -> None:
    made = []
    for text in (BASE, BY_FRAGMENTS):
        command = [str(DTC), "-q", "-@", "-O", "dtb"]
        made.append(subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout)
    paths = [tmp_path / "base.dtb", tmp_path / "over.dtb"]
    for seed in range(COUNT):
        random = Random(seed)  # noqa: S311 - repeatable, not secret
        for path, content in zip(paths, made, strict=True):
            mutant = bytearray(content)
            for _ in range(random.randint(0, 3)):
                mutant[random.randrange(40, len(mutant))] = random.choice((0, 1, 2, 4, 0xFF, random.randrange(256)))
            path.write_bytes(mutant)
        faults = Faults()
        found = tree_of([str(path) for path in paths], (), faults)
        if found is not None:
            guest_tree(found[0], "linux")
