"""How system files are read: encodings, includes, places, versions, and the command line around it."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from sdfgen.commands import dispatch
from sdfgen.commands.cli import cli
from sdfgen.commands.options import parse
from sdfgen.existing.examine import examine
from sdfgen.existing.request import Request
from sdfgen.existing.values import decimal, natural, number
from sdfgen.faults.fault import MOST_ALIKE, Faults
from sdfgen.faults.render import FORMATS, as_text
from sdfgen.read.element import XmlText
from sdfgen.read.xml import decode, parse_xml
from tests.boards.own import OWN
from tests.boards.test_sdk import make_sdk
from tests.paths import FAULTS, GOLDENS, SYSTEMS

if TYPE_CHECKING:
    from pathlib import Path

    from sdfgen.existing.examine import Examined

PD = '<protection_domain name="pd{more}><program_image path="pd.elf" />{inside}</protection_domain>'
SEEDS = sorted([*(GOLDENS / "sdf").glob("*.system"), *FAULTS.glob("*/*.system")])
COUNT = int(os.environ.get("SDFGEN_FUZZ", "2000")) // 10
FIRST = int(os.environ.get("SDFGEN_FUZZ_FROM", "0"))


def pd(more: str = '"', inside: str = "") -> str:
    return PD.format(more=more, inside=inside)


def check(text: str | bytes, folder: Path, **options: Any) -> Examined:  # noqa: ANN401 - those of Request
    path = folder / "x.system"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return examine(Request(str(path), **options))


def system(inside: str) -> str:
    return f"<system>{inside}</system>"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0x1000", 0x1000),
        ("4_096", 4096),
        ("0x_1_0", 16),
        ("+5", 5),
        ("0x+5", 5),
        ("_1_", 1),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", None),
        ("0X10", None),
        ("0x", None),
        ("", None),
        ("_", None),
        ("-1", None),
        (" 1", None),
        ("1 ", None),
        ("2 MiB", None),
        ("٣", None),
        ("1" * 9999, None),
    ],
)
def test_numbers_are_what_the_tool_takes(text: str, value: int | None) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    ("text", "signed", "unsigned"),
    [("5", 5, 5), ("-5", -5, None), ("+5", 5, 5), ("0x5", None, None), ("5_0", None, None), ("", None, None)],
)
def test_ids_are_decimal(text: str, signed: int | None, unsigned: int | None) -> None:
    assert (decimal(text), natural(text)) == (signed, unsigned)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "cp1252"])
def test_encodings(encoding: str) -> None:
    plain = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{plain}"?>\r\n<system>\r<!-- ü --></system>'
    assert decode(text.encode(encoding)) == text.replace("\r\n", "\n").replace("\r", "\n")


def test_without_a_declaration_it_is_utf_8() -> None:
    assert decode("<a>ü</a>".encode()) == "<a>ü</a>"
    with pytest.raises(ValueError, match="utf-8"):
        decode("<a>ü</a>".encode("latin-1"))


@pytest.mark.parametrize("encoding", ["rot13", "utf-7", "idna", "unicode_escape", "base64", "punycode", "nonsense"])
def test_encodings_that_are_none_of_text_files(encoding: str) -> None:
    with pytest.raises(ValueError, match="is not known"):
        decode(f'<?xml version="1.0" encoding="{encoding}"?><system/>'.encode())


def test_every_element_and_attribute_has_its_place() -> None:
    text = '<system>\n\t<map é="1"   mr=\'2\n3\' x="a>b"/>é <map mr="x"\n   vaddr="0x10"/>\n</system>'
    root = parse_xml(XmlText("x", text), Faults())
    assert root is not None
    places = [
        (element.tag, *element.where.span[:2], {name: element.at(name).span[:] for name in element.attributes})
        for element in root.walk()
    ]
    assert places == [
        ("system", 1, 2, {}),
        ("map", 2, 3, {"é": (2, 10, 1), "mr": (2, 19, 1), "x": (3, 7, 3)}),
        ("map", 3, 16, {"mr": (3, 24, 1), "vaddr": (4, 11, 4)}),
    ]
    assert root.children[1].at("vaddr").text == "map[1].vaddr"
    assert root.children[1].at("vaddr").of_key().span[:2] == (4, 4)
    assert root.children[1].at("perms").span == root.children[1].where.span


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (pd(), "2.3.0"),
        (pd('" pp="true"'), "1.4.1"),
        (pd('" fpu="true"'), "2.3.0"),
        # One name for a domain and its machine: from 2.1.0 on both name one kernel object.
        (pd('"', '<virtual_machine name="pd"><vcpu id="0" /></virtual_machine>'), "2.0.1"),
        (pd().replace("pd", "monitor"), "2.0.1"),
    ],
)
def test_the_newest_version_that_takes_the_file(text: str, version: str, tmp_path: Path) -> None:
    examined = check(system(text), tmp_path)
    assert not examined.faults.errors, as_text(examined.faults.sorted())
    assert examined.system is not None
    assert examined.system.dialect.version == version
    assert examined.said[0] == f"read as Microkit {version}, the newest version that takes it"


def test_what_a_newer_version_refuses_is_noted(tmp_path: Path) -> None:
    examined = check(system(pd().replace("pd", "monitor")), tmp_path)
    assert [fault.message for fault in examined.faults if fault.code == "SDF023"] == [
        "`monitor` is what Microkit calls its own protection domain; 2.1.0 refuses the name",
        "Microkit 2.3.0 refuses this: the name `monitor` is reserved for Microkit's own protection domain",
    ]


def test_what_no_version_takes_is_held_against_the_newest(tmp_path: Path) -> None:
    examined = check(system(pd('" priority="255"')), tmp_path)
    assert examined.system is not None
    assert examined.system.dialect.version == "2.3.0"
    assert [fault.code for fault in examined.faults] == ["SDF032"]


def test_cores_ask_for_an_smp_configuration(tmp_path: Path) -> None:
    text = system(pd('" cpu="1"'))
    assert "smp-debug" in check(text, tmp_path, board="qemu_virt_aarch64").said[1]
    assert check(text, tmp_path, board="qemu_virt_aarch64", config="debug").faults.errors


def test_a_board_of_another_architecture_decides_nothing(tmp_path: Path) -> None:
    examined = check(system(pd('"', '<irq irq="10" id="1" />')), tmp_path, board="qemu_virt_riscv64")
    assert [(fault.code, fault.severity) for fault in examined.faults] == [("SDF010", "note")]


def test_a_board_without_a_file_is_what_the_sdk_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROKIT_SDK", str(make_sdk(tmp_path / "sdk")))
    region = '<memory_region name="m" size="0x1000" phys_addr="{}" />'
    text = pd('"', '<map mr="m" vaddr="0x2000000" /><irq irq="5" id="1" />')
    told = {
        "0x9000000": {("SDF010", "note"), ("SDF035", "warning")},  # a device
        "0x60000000": {("SDF010", "note"), ("SDF035", "warning"), ("SDF092", "error")},  # the kernel
        "0x8000000": {("SDF010", "note"), ("SDF035", "warning"), ("SDF093", "error")},  # what it keeps
    }
    for address, wanted in told.items():
        examined = check(system(region.format(address) + text), tmp_path, board=OWN)
        assert {(fault.code, fault.severity) for fault in examined.faults} == wanted, address


def test_includes_are_put_in(tmp_path: Path) -> None:
    folder = tmp_path / "sub"
    folder.mkdir()
    include = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{}" />'
    (folder / "more.xml").write_text(include.format("ram.xml"))
    (folder / "ram.xml").write_text('<memory_region name="ram" size="0x1001" />')
    text = include.format("sub/more.xml") + pd('"', '<map mr="ram" vaddr="0x2000000" />')
    examined = check(system(text), tmp_path)
    (fault,) = [fault for fault in examined.faults if fault.severity == "error"]
    assert (fault.code, fault.where.source.name, fault.place[:2]) == ("SDF040", str(folder / "ram.xml"), (1, 33))
    assert [os.path.basename(path) for path in examined.files] == ["x.system", "more.xml", "ram.xml"]


def test_a_fallback_stands_for_a_missing_file(tmp_path: Path) -> None:
    text = (
        '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="no.xml"><xi:fallback>'
        f"{pd()}</xi:fallback></xi:include>"
    )
    assert not check(system(text), tmp_path).faults.errors


def test_no_link_leads_out_of_the_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside.xml"
    outside.write_text(pd())
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.xml").symlink_to(outside)
    text = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="link.xml" />'
    (fault,) = check(system(text), folder).faults
    assert fault.message == "include is not resolved: 'link.xml' is outside of the folders that may be read"
    assert not check(system(text), folder, includes=(str(tmp_path),)).faults.errors


def test_files_that_multiply_end(tmp_path: Path) -> None:
    include = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{}.xml" />'
    for number_ in range(30):
        (tmp_path / f"{number_}.xml").write_text(f"<a>{include.format(number_ + 1) * 2}</a>")
    start = time.perf_counter()
    assert check(system(include.format(0)), tmp_path).faults.errors
    assert time.perf_counter() - start < 5  # measured: 0.3


def test_a_long_chain_of_files_ends(tmp_path: Path) -> None:
    include = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{}.xml" />'
    for number_ in range(900):
        (tmp_path / f"{number_}.xml").write_text(include.format(number_ + 1))
    (fault,) = check(system(include.format(0)), tmp_path).faults
    assert fault.code == "SDF203"


def test_no_more_are_told_than_anybody_reads(tmp_path: Path) -> None:
    examined = check(system("<chanel />" * 5000 + pd()), tmp_path)
    assert len(examined.faults) == MOST_ALIKE + 1
    assert examined.faults.sorted()[-1].message == "there are more like this, which are not told"


MANY = 20_000
LARGE = {
    "regions": "".join(f'<memory_region name="m{n}" size="0x1000" phys_addr="{n << 12:#x}" />' for n in range(MANY)),
    "maps": pd(inside="".join(f'<map mr="m{n}" vaddr="{n << 12:#x}" setvar_vaddr="v" />' for n in range(MANY))),
    "domains": "".join(pd(f'{n}" prioritty="1"') for n in range(MANY)),
    "elements": "<chanel />" * MANY,
    "attributes": "<channel " + " ".join(f'a{n}="1"' for n in range(MANY)) + " />",
    "ends": '<channel><end pd="x" id="99" /></channel>' * MANY,
    "vcpus": pd(inside='<virtual_machine name="v">' + '<vcpu id="1" />' * MANY + "</virtual_machine>"),
    "domain": "<domains>" + '<domain name="a" id="1" />' * MANY + "</domains>",
}


@pytest.mark.parametrize("kind", LARGE)
def test_large_files_take_seconds(kind: str, tmp_path: Path) -> None:
    start = time.process_time()
    assert check(system(LARGE[kind]), tmp_path).faults
    assert time.process_time() - start < 20  # measured: 0.1 to 5, linear in the number


def test_prefill_files_are_looked_for_where_somebody_says(tmp_path: Path) -> None:
    text = system(pd('"', '<map mr="m" vaddr="0x2000000" />') + '<memory_region name="m" prefill_path="m.bin" />')
    elsewhere = tmp_path / "files"
    elsewhere.mkdir()
    assert not check(text, tmp_path).faults.errors
    found = check(text, tmp_path, search=(str(elsewhere),)).faults
    assert [(fault.code, fault.severity) for fault in found] == [("SDF043", "error"), ("SDF219", "warning")]
    (elsewhere / "m.bin").write_bytes(b"x" * 5000)
    examined = check(text, tmp_path, search=(str(elsewhere),))
    assert not examined.faults.errors
    assert examined.system is not None
    assert examined.system.regions[0].size_bytes == 0x2000


def run(*words: str, command: str = "check") -> int | str | None:
    parsed = parse([command, *words])
    assert parsed is not None
    try:
        dispatch.run(*parsed)
    except SystemExit as end:
        return end.code
    return 0


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.system").write_text(system(pd()))
    assert run("x.system", "--board", "odroidc4", "--microkit", "2.0.1") == 0
    assert capsys.readouterr() == ("x.system: good\n", "")
    assert run("x.system") == 0
    assert capsys.readouterr().out == (
        "x.system: good (read as Microkit 2.3.0, the newest version that takes it; "
        "no board was named: what a board decides was not judged (--board NAME))\n"
    )
    (tmp_path / "x.system").write_text(system(""))
    assert run("x.system", "--format", "json") == 1
    (fault,) = json.loads(capsys.readouterr().out)["faults"]
    assert (fault["code"], fault["file"], fault["line"], fault["column"]) == ("SDF027", "x.system", 1, 2)
    assert run("x.system", "--set", "a=1") == 2
    assert run("x.system", "--board", "a", "--board", "b") == 2
    assert run("x.toml", "--microkit", "2.0.1") == 2
    assert "is for system files" in capsys.readouterr().err


LISTED = """
[[check]]
system = "one/x.system"
board = "qemu_virt_aarch64"
dts = ["linux=one/linux.dts"]
c = ["one/vmm.c"]
numbers = {{ MY_RAM = "{kind}" }}

[[check]]
system = "two.system"
"""


def test_a_list_of_system_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one").mkdir()
    machine = '<virtual_machine name="linux"><vcpu id="0" /><map mr="ram" vaddr="0x40000000" /></virtual_machine>'
    ram = '<memory_region name="ram" size="0x1000000" />'
    (tmp_path / "one" / "x.system").write_text(system(ram + pd('" priority="1"', machine)))
    (tmp_path / "one" / "linux.dts").write_text((FAULTS / "parts" / "good.dts").read_text())
    (tmp_path / "one" / "vmm.c").write_text("#define MY_RAM 0x2000000\n")
    (tmp_path / "two.system").write_text(system(pd()))
    (tmp_path / "sdfgen-check.toml").write_text(LISTED.format(kind="ram_bytes"))
    assert run("sdfgen-check.toml") == 1
    said = capsys.readouterr().err
    assert "one/vmm.c:1:16: error[SDF216]: `MY_RAM` is 32 MiB, and `linux` has 16 MiB of RAM mapped" in said
    (tmp_path / "one" / "vmm.c").write_text("#define MY_RAM 0x1000000\n")
    assert run("sdfgen-check.toml", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["faults"] == []
    assert run("sdfgen-check.toml", "--board", "odroidc4") == 2
    (tmp_path / "sdfgen-check.toml").write_text(LISTED.format(kind="ram_byte"))
    assert run("sdfgen-check.toml") == 1
    assert "sdfgen-check.toml:7:22: error[SDF003]: 'ram_byte' is none of ram_bytes" in capsys.readouterr().err


def test_without_a_file_it_is_the_list_or_else_the_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["check"])
    said = "there is neither sdfgen-check.toml nor system.toml here: name a description or a system file"
    assert (result.exit_code, result.stderr) == (1, f"sdfgen: {said}\n")
    (tmp_path / "system.toml").write_text((SYSTEMS / "lone_guest.toml").read_text())
    assert CliRunner().invoke(cli, ["check"]).stdout.startswith("system.toml: good for ")
    (tmp_path / "sdfgen-check.toml").write_text("")
    result = CliRunner().invoke(cli, ["check"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("sdfgen-check.toml:1:1: error[SDF")


def test_program_images_are_where_somebody_says(tmp_path: Path) -> None:
    image = FAULTS / "parts" / "vmlinux"
    text = system(pd('" priority="1"'))
    assert not check(text, tmp_path).faults.errors
    (fault,) = check(text, tmp_path, elves=(f"pd={image}",)).faults
    assert (fault.code, fault.severity) == ("SDF102", "error")


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(system(pd('"', "<foo />")).encode())))
    (fault,) = examine(Request("-")).faults
    assert (fault.code, fault.where.source.name) == ("SDF004", "standard input")


def test_closed_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    (fault,) = examine(Request("-")).faults
    assert fault.message == "'standard input' cannot be read: it is closed"


def mutated(text: bytes, random: Random) -> bytes:
    for _ in range(random.randint(1, 4)):
        at, length = random.randrange(len(text) + 1), random.choice((0, 1, 5, 50))
        other = random.randrange(len(text) + 1)
        new = random.choice(
            (
                b"",
                b"<",
                b"&x;",
                b'"',
                b"\xff",
                b"\0",
                b"-1",
                b"0x",
                b"]]>",
                b"{{",
                text[other : other + 40],
                b"<a>" * 80,
            )
        )
        text = text[:at] + new + text[at + length :]
    return text


def test_no_mutant_ends_in_a_traceback(tmp_path: Path) -> None:
    texts = [path.read_bytes() for path in SEEDS]
    for seed in range(FIRST, FIRST + COUNT):
        random = Random(seed)  # noqa: S311 - repeatable, not secret
        board = random.choice((None, "qemu_virt_aarch64", "odroidc4"))
        version = random.choice((None, None, "1.4.1", "2.0.1", "2.3.0"))
        examined = check(mutated(random.choice(texts), random), tmp_path, board=board, microkit=version)
        faults = examined.faults.sorted()
        assert faults or examined.system is not None, seed
        for style in FORMATS.values():
            style(faults)
        for fault in faults:
            text = fault.where.source
            assert 1 <= fault.place.line <= text.text.count("\n") + 1, seed
            assert 1 <= fault.place.column <= len(text.line(fault.place.line)) + 1, (seed, as_text([fault]))
