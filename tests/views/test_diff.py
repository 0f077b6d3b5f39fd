"""Two systems are compared by what they mean: who may do what, what is where, what is called otherwise."""

from __future__ import annotations

import itertools
import json
import subprocess
from typing import TYPE_CHECKING, Any, cast

import pytest
from click.testing import CliRunner

from sdfgen.commands.cli import cli
from sdfgen.commands.reference import schema_of_view
from sdfgen.records import plain
from sdfgen.views.diff import board_diff, diff
from sdfgen.views.diff_text import as_markdown, as_text
from sdfgen.views.json_form import as_json
from sdfgen.views.renamed import renamed
from sdfgen.views.renames import DOMAIN, IMAGE, MACHINE, REGION, Renames
from sdfgen.views.text import as_text as as_system_text
from tests.paths import EXAMPLE, GOLDENS, SYSTEMS
from tests.views.views import SYSTEM_FILES, breaks, view_at

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sdfgen.views.changes import BoardDiffView
    from sdfgen.views.document import SystemView
    from tests.conftest import Golden

RAW = SYSTEMS / "raw.toml"
BOARD = "qemu_virt_aarch64"
VIEWS = {path: view_at(path) for path in SYSTEM_FILES}


def ids(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def changed(tmp_path: Path, old: str, new: str, base: Path = RAW) -> Path:
    """A description with one thing changed, among copies of the files that it names."""
    text = base.read_text(encoding="utf-8")
    assert text.count(old) == 1, text.count(old)
    (tmp_path / "raw.toml").write_bytes(RAW.read_bytes())
    path = tmp_path / f"changed-{base.name}"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def told(found: BoardDiffView) -> list[str]:
    text = as_text(diff({}, {}, ("", ""))._replace(boards=(found,)))
    return [
        line.strip().partition(" (changed-")[0].partition(" (raw.toml:")[0]
        for line in text.splitlines()[1:]
        if line.startswith(" ")
    ]


@pytest.mark.parametrize("path", SYSTEM_FILES, ids=ids)
def test_a_system_and_itself(path: Path) -> None:
    assert board_diff(VIEWS[path], view_at(path))[1:] == ((), (), (), (), ())


MAP = '{ mr = "shared", vaddr = 0x2000_0000, perms = "r" }]\n\n[[channel]]'
TOP = "[[channel]]\nends"
UART = (
    '[[memory_region]]\nname = "{}"\nsize = "{}"\nphys_addr = {}\n[[map]]\npd = "{}"\nmr = "{}"\nvaddr = 0x3000_0000\n'
)
CASES: dict[str, tuple[str, str, list[str]]] = {
    "a_right_more": (MAP, MAP.replace('"r"', '"rw"'), ["+ client may write shared"]),
    "a_right_less": (
        'vaddr = 0x2040_0000, perms = "r"',
        'vaddr = 0x2040_0000, perms = "rx"',
        ["+ server may execute tree"],
    ),
    "a_map_more": (
        TOP,
        f'[[map]]\npd = "parent"\nmr = "file"\nvaddr = 0x2000_0000\nperms = "r"\n{TOP}',
        ["+ parent may read file"],
    ),
    "a_guest_sees_more": (
        TOP,
        f'[[map]]\npd = "guest"\nmr = "file"\nvaddr = 0x5000_0000\n{TOP}',
        ["+ guest may read and write file"],
    ),
    "a_device": (
        TOP,
        UART.format("dev", "4 KiB", "0x900_0000", "parent", "dev") + TOP,
        ["+ parent may read and write registers at 0x9000000..0x9001000", "new: memory region dev (4 KiB)"],
    ),
    "a_device_with_dma": (
        TOP,
        UART.format("disk", "4 KiB", "0xa00_3000", "parent", "disk") + TOP,
        [
            "+ parent may reach by DMA any physical memory",
            "+ parent may read and write registers at 0xa003000..0xa004000",
            "new: memory region disk (4 KiB)",
        ],
    ),
    "priority": ("priority = 120", "priority = 119", ["protection domain server, priority: 120 -> 119"]),
    "budget": ("budget = 100\n", "budget = 200\n", ["protection domain server, time: 100 of 400 us -> 200 of 400 us"]),
    "priority_of_a_machine": ("priority = 50", "priority = 51", ["virtual machine guest, priority: 50 -> 51"]),
    "scheduling_domain": (
        'smc = true\ncpu = 0\nfpu = false\ndomain = "one"',
        'smc = true\ncpu = 0\nfpu = false\ndomain = "two"',
        ["protection domain server, scheduling domain: one -> two"],
    ),
    "schedule": (
        "5000 ticks",
        "6000 ticks",
        ["system, schedule: one 100 us, two 5000 ticks, end -> one 100 us, two 6000 ticks, end"],
    ),
    "smc": ("smc = true\n", "", ["- server may make SMC calls"]),
    "fpu": ("fpu = false", "fpu = true", ["protection domain server, FPU: no -> yes"]),
    "stack": ('"64 KiB"', '"128 KiB"', ["protection domain server, stack: 64 KiB -> 128 KiB"]),
    "capability": (
        'kind = "tcb"',
        'kind = "vspace"',
        ["+ server may hold vspace of client", "- server may hold tcb of client"],
    ),
    "slot": ("slot = 3", "slot = 4", ["protection domain server, slot of tcb of client: 3 -> 4"]),
    "interrupt": (
        "irq = 33",
        "irq = 34",
        [
            "+ server may receive interrupt 34",
            "- server may receive interrupt 33",
            "protection domain server, symbol uart_irq: id of interrupt 33 -> id of interrupt 34",
        ],
    ),
    "interrupts_id": ("id = 7", "id = 8", ["protection domain server, id of interrupt 33: 7 -> 8"]),
    "trigger": (
        'trigger = "edge"',
        'trigger = "level"',
        ["protection domain server, trigger of interrupt 33: edge -> level"],
    ),
    "notify": ("notify = false", "notify = true", ["+ server may notify client"]),
    "call": ("pp = true, ", "", ["- client may call server"]),
    "channels_id": (
        'pd = "client", id = 1',
        'pd = "client", id = 2',
        ["protection domain client, id of channel to server: 1 -> 2"],
    ),
    "childs_id": ("id = 4", "id = 5", ["protection domain client, id as a child: 4 -> 5"]),
    "physical_address": (
        "0x9000_0000",
        "0x9020_0000",
        ["memory region shared, physical address: 0x90000000 -> 0x90200000"],
    ),
    "moved_map": (
        "vaddr = 0x2040_0000",
        "vaddr = 0x2060_0000",
        ["protection domain server, address of tree: 0x20400000 -> 0x20600000"],
    ),
    "size": ('"16 MiB"', '"32 MiB"', ["memory region ram, size: 16 MiB -> 32 MiB"]),
    "content": ('prefill_bootinfo = "fdt"', 'size = "4 KiB"', ["memory region tree, content: fdt -> zeroes"]),
    "caching": (
        'vaddr = 0x2040_0000, perms = "r"',
        'vaddr = 0x2040_0000, perms = "r", cached = false',
        ["protection domain server, caching of tree: cached -> uncached"],
    ),
    "image": (
        'program_image = "server.elf"',
        'program_image = "other.elf"',
        ["protection domain server, program image: server.elf -> other.elf"],
    ),
    "symbol": (
        'setvar_vaddr = "shared"',
        'setvar_vaddr = "common"',
        [
            "protection domain server, symbol common: nothing -> address of shared",
            "protection domain server, symbol shared: address of shared -> nothing",
        ],
    ),
    "cpus": (
        "vcpu = [{ id = 0, cpu = 0 }]",
        "vcpu = [{ id = 0 }, { id = 1 }]",
        ["virtual machine guest, cores: 0 -> default, default", "virtual machine guest, virtual CPUs: 0 -> 0, 1"],
    ),
    "microkit_name": ('name = "raw"', 'name = "cooked"', ["system, name: raw -> cooked"]),
}


OF_GUESTS: dict[str, tuple[dict[str, Any], str]] = {
    "command_line": ({"command_line": "quiet"}, "command line: console=ttyAMA0 quiet -> quiet"),
    "kernel": ({"kernel": "Image"}, "kernel: none -> Image"),
    "initial_ram_disk": ({"initrd": "rootfs"}, "initial RAM disk: none -> rootfs"),
    "device_tree": ({"dtb": "board.dtb"}, "device tree: made by sdfgen -> board.dtb"),
    "device_gone": (
        {"emulated": ()},
        "emulated device console: pl011 at 0x160000..0x161000, interrupt 44 -> nothing",
    ),
}


def with_guest(view: SystemView, **fields: Any) -> SystemView:  # noqa: ANN401 - fields have types of their own
    """A system whose guests have other values."""
    domains = []
    for domain in view.domains:
        machine = domain.machine
        guest = machine and machine.guest
        with_it = machine and guest and machine._replace(guest=guest._replace(**fields))
        domains.append(domain._replace(machine=with_it or machine))
    return view._replace(domains=tuple(domains))


@pytest.mark.parametrize("case", OF_GUESTS)
def test_one_change_of_a_guest(case: str) -> None:
    fields, line = OF_GUESTS[case]
    view = VIEWS[SYSTEMS / "lone_guest.toml"]
    found = told(board_diff(view, with_guest(view, **fields)))
    assert [said.partition(" (")[0] for said in found] == [f"virtual machine linux, {line}"]


def test_an_emulated_device_that_moves() -> None:
    view = VIEWS[SYSTEMS / "lone_guest.toml"]
    (guest,) = (machine.guest for machine in view.machines())
    assert guest is not None
    console = guest.emulated[0]._replace(address=0x1000, interrupt=40)
    (line,) = told(board_diff(view, with_guest(view, emulated=(console,))))
    assert line.partition(" -> ")[2].startswith("pl011 at 0x1000..0x2000, interrupt 40")


@pytest.mark.parametrize("case", CASES)
def test_one_change(case: str, tmp_path: Path) -> None:
    old, new, lines = CASES[case]
    after = view_at(changed(tmp_path, old, new))
    found = board_diff(VIEWS[RAW], after)
    assert told(found) == lines
    back = board_diff(after, VIEWS[RAW])
    assert [grant[:3] for grant in back.lost] == [grant[:3] for grant in found.gained]
    assert [grant[:3] for grant in back.gained] == [grant[:3] for grant in found.lost]


def grants(found: Iterable[Any]) -> list[tuple[str, str, str]]:
    return [grant[:3] for grant in found]


@pytest.mark.parametrize(("one", "two"), list(itertools.combinations(SYSTEM_FILES, 2)), ids=ids)
def test_backwards_swaps_gained_and_lost(one: Path, two: Path) -> None:
    forth, back = board_diff(VIEWS[one], VIEWS[two]), board_diff(VIEWS[two], VIEWS[one])
    assert sorted((kind, new, old) for kind, old, new in forth.renamed) == sorted(back.renamed)
    new = {old: new for _, old, new in forth.renamed}

    def called(text: str) -> str:
        head, of, name = text.rpartition(" of ")
        return new.get(text, f"{head}{of}{new.get(name, name)}")

    def renamed_grants(found: Iterable[Any]) -> list[tuple[str, str, str]]:
        return sorted((called(who), may, called(what)) for who, may, what, _ in found)

    assert renamed_grants(forth.gained) == renamed_grants(back.lost)
    assert renamed_grants(forth.lost) == renamed_grants(back.gained)
    values = sorted(
        (change.topic, called(change.name), str(change.before), str(change.after)) for change in forth.changes
    )
    swapped = sorted(
        (change.topic, called(change.name), str(change.after), str(change.before)) for change in back.changes
    )
    assert [value[:2] for value in values] == [value[:2] for value in swapped]


class Other:
    """Other names for some things."""

    def __init__(self, *things: tuple[str, str]) -> None:
        self._things = things

    def __call__(self, kind: str, name: str) -> str:
        kind = DOMAIN if kind == IMAGE else kind
        return f"new_{name}" if (kind, name.removesuffix(".elf")) in self._things else name


def things(path: Path) -> list[tuple[str, str]]:
    view = VIEWS[path]
    found = [(DOMAIN, domain.name) for domain in view.domains]
    found += [(MACHINE, machine.name) for machine in view.machines()]
    return found + [(REGION, region.name) for region in view.regions]


@pytest.mark.parametrize("path", SYSTEM_FILES, ids=ids)
def test_another_name_is_recognised(path: Path) -> None:
    view = VIEWS[path]
    for kind, name in things(path):
        found = board_diff(view, renamed(view, cast("Renames", Other((kind, name)))))
        assert (found.gained, found.lost, found.changes) == ((), (), ()), name
        structure = [one for one in found.renamed if not one.kind.startswith("symbol")]
        assert structure == [(kind, name, f"new_{name}")]


def twins(path: Path, *names: str) -> SystemView:
    """A system of domains that have nothing but their names to tell them apart."""
    head = RAW.read_text(encoding="utf-8").partition("[domains]")[0]
    domain = '[[protection_domain]]\nname = "{}"\nprogram_image = "twin.elf"\n'
    path.write_text(head + "".join(map(domain.format, names)))
    return view_at(path)


def test_twins_that_are_all_renamed_are_paired_alike_from_both_sides(tmp_path: Path) -> None:
    one, two = twins(tmp_path / "one.toml", "ab", "ac", "zz"), twins(tmp_path / "two.toml", "ba", "ca", "yy")
    forth, back = board_diff(one, two), board_diff(two, one)
    assert len(forth.renamed) == 3
    assert {(kind, new, old) for kind, old, new in forth.renamed} == set(back.renamed)
    assert (forth.gained, forth.lost, forth.changes) == ((), (), ())


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        # One of two twins keeps its name: the other is the one that was renamed.
        (("kept", "old"), ("kept", "new"), {("old", "new")}),
        # Two may be the new one: the one whose name is nearer, and of two that are as near the first by name.
        (("ab", "zz"), ("ac",), {("ab", "ac")}),
        (("ab", "ad"), ("ac",), {("ab", "ac")}),
        (("ab",), ("ac", "zz"), {("ab", "ac")}),
        (("ab", "ax", "kept"), ("ac", "ay", "kept"), {("ab", "ac"), ("ax", "ay")}),
        # Less is enough to be the same than to be another: a twin that is gone is not the one that came.
        (("kept", "old"), ("kept",), set()),
    ],
)
def test_twins_of_which_some_are_renamed(
    before: tuple[str, ...], after: tuple[str, ...], said: set[tuple[str, str]], tmp_path: Path
) -> None:
    one, two = twins(tmp_path / "one.toml", *before), twins(tmp_path / "two.toml", *after)
    forth, back = board_diff(one, two), board_diff(two, one)
    assert {(old, new) for _, old, new in forth.renamed} == said
    assert {(new, old) for _, old, new in back.renamed} == said
    gone = set(before) - set(after) - {old for old, _ in said}
    assert {change.name for change in forth.changes if change.after is None and change.what == "it"} == gone


def test_a_guest_with_all_that_bears_its_name_is_recognised(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    path = tmp_path / "system.toml"
    path.write_text(text.replace('"client1"', '"alpha"'), encoding="utf-8")
    found = board_diff(VIEWS[EXAMPLE], view_at(path))
    assert (found.gained, found.lost, found.changes) == ((), (), ())
    new = {old: new for _, old, new in found.renamed}
    assert new == {old: old.replace("client1", "alpha") for old in new}
    assert len(found.renamed) == 12


def test_two_guests_that_change_names_are_what_their_names_say(tmp_path: Path) -> None:
    text = (
        EXAMPLE.read_text(encoding="utf-8")
        .replace("client1", "x")
        .replace("client2", "client1")
        .replace('"x"', '"client2"')
    )
    path = tmp_path / "system.toml"
    path.write_text(text, encoding="utf-8")
    found = board_diff(VIEWS[EXAMPLE], view_at(path))
    assert found.renamed == ()
    assert ("client1", "read", "partition 1 of block") in grants(found.gained)


def test_services_count(tmp_path: Path) -> None:
    path = tmp_path / "system.toml"
    path.write_text(
        EXAMPLE.read_text(encoding="utf-8").replace("{ partition = 0 }", "{ partition = 0, read_only = true }")
    )
    found = board_diff(view_at(path), VIEWS[EXAMPLE])
    assert grants(found.gained) == [("client1", "write", "partition 0 of block")]


def test_a_new_domain_gains_and_an_old_one_goes() -> None:
    found = board_diff(VIEWS[SYSTEMS / "lone_guest.toml"], VIEWS[EXAMPLE])
    assert ("storage", "reach by DMA", "any physical memory") in grants(found.gained)
    back = told(board_diff(VIEWS[EXAMPLE], VIEWS[SYSTEMS / "lone_guest.toml"]))
    assert any(line.startswith("what went with the parts that are gone") for line in back)
    assert not any(line.startswith("- storage") for line in back)


FORMS = {"txt": as_text, "md": as_markdown, "json": as_json}


@pytest.mark.parametrize("form", FORMS)
def test_golden(form: str, tmp_path: Path, golden: Golden) -> None:
    path = tmp_path / "system.toml"
    text = EXAMPLE.read_text(encoding="utf-8").replace('"client1"', '"alpha"')
    more = '[[map]]\npd = "client2"\nmr = "block_alpha_0_data"\nvaddr = 0x9000_0000\nperms = "r"\n'
    path.write_text(
        text.replace("[block]", f"{more}[block]").replace('name = "client2"', 'name = "client2"\npriority = 59')
    )
    names = ("before.toml", "after.toml")
    found = diff({BOARD: VIEWS[EXAMPLE], "a": VIEWS[RAW]}, {BOARD: view_at(path), "b": VIEWS[RAW]}, names)
    golden.check(GOLDENS / "views" / f"two-clients.diff.{form}", FORMS[form](found))


def test_json_is_as_its_schema_says() -> None:
    schema = json.loads(schema_of_view("diff"))
    for one, two in itertools.combinations(SYSTEM_FILES, 2):
        found = plain(diff({BOARD: VIEWS[one]}, {BOARD: VIEWS[two], "b": VIEWS[two]}, ("one", "two")))
        assert breaks(schema, found, schema["$defs"]) == []


def test_markdown_shows_names_as_they_are() -> None:
    from sdfgen.views.diff_text import code

    assert code("a*b_c") == "`a*b_c`"
    assert code("a`b``c") == "``` a`b``c ```"


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, ["diff", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_status(tmp_path: Path) -> None:
    more = changed(tmp_path, MAP, MAP.replace('"r"', '"rw"'))
    assert run(str(RAW), str(RAW)) == (0, f"{BOARD}: no difference\n", "")
    assert run(str(RAW), str(more))[0] == 3
    assert run(str(more), str(RAW))[0] == 0
    assert run(str(RAW), str(more), "--format", "json")[0] == 3
    assert run(str(RAW))[0] == 2
    assert run(str(RAW), str(more), str(more))[0] == 2
    assert run(str(RAW), str(more), "--format", "sarif")[0] == 2


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("nothing.toml", "'nothing.toml' cannot be read"),
        ("a\0b", "cannot be read"),
        (str(SYSTEMS), "is no output folder of a build: no manifest.json is in it"),
        (":x", "':x' is no file, and not of the form REV:FILE either"),
        ("x:", "'x:' is no file"),
    ],
)
def test_what_is_nothing_is_told(other: str, said: str) -> None:
    status, out, err = run(str(RAW), other)
    assert (status, out) == (1, "")
    assert said in err
    assert run(other, str(RAW))[0] == 1


def test_boards(tmp_path: Path) -> None:
    odroid = changed(tmp_path, '"qemu_virt_aarch64", ', "", SYSTEMS / "lone_guest.toml")
    status, _, err = run(str(odroid), str(RAW))
    assert (status, err[-60:]) == (1, f"{RAW} have no board in common: odroidc4 and qemu_virt_aarch64\n"[-60:])
    status, out, _ = run(str(EXAMPLE), str(RAW))
    assert out.endswith(f"odroidc4 is a board of {EXAMPLE} alone\n")
    assert run(str(EXAMPLE), str(EXAMPLE), "--board", "odroidc4")[:2] == (0, "odroidc4: no difference\n")
    assert run(str(EXAMPLE), str(EXAMPLE), "--board", "nothing")[0] == 1


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a build of a description leaves; by board."""
    folder = tmp_path_factory.mktemp("built")
    for path in (EXAMPLE, RAW):
        result = CliRunner().invoke(cli, ["build", str(path), "--no-compile", "-o", str(folder / path.stem)])
        assert result.exit_code == 0, result.output
    return folder


def test_a_build_is_what_it_was_built_from(built: Path, tmp_path: Path) -> None:
    of_guests = "files, command lines and emulated devices of guests"
    more = f"\nnot compared, since one of the two cannot say it: {of_guests}\n"
    both = f"{BOARD}: no difference\n{more}\nodroidc4: no difference\n{more}"
    assert run(str(EXAMPLE), str(built / "system")) == (0, both, "")
    assert sorted(run(str(built / "system"), str(EXAMPLE))[1].splitlines()) == sorted(both.splitlines())
    assert (
        run(str(built / "system" / "odroidc4"), str(EXAMPLE), "--board", "odroidc4")[1]
        == f"odroidc4: no difference\n{more}"
    )
    assert run(str(built / "raw"), str(RAW)) == (0, f"{BOARD}: no difference\n", "")
    other = changed(tmp_path, MAP, MAP.replace('"r"', '"rw"'))
    status, out, _ = run(str(built / "raw"), str(other))
    assert (status, "+ client may write shared" in out) == (3, True)
    back = run(str(other), str(built / "raw"))[1]
    assert f"- client may write shared ({other}:" in back
    status, _, err = run(str(built / "raw"), str(RAW), "--board", "odroidc4")
    assert (status, err.endswith(f"was not built for board 'odroidc4', but for {BOARD}\n")) == (1, True)


def test_builds_and_revisions_are_shown_too(built: Path, repository: Path) -> None:
    assert repository.is_dir()
    shown = CliRunner().invoke(cli, ["show", str(built / "raw")])
    assert (shown.exit_code, shown.stdout.partition("\n")[0]) == (0, as_system_text(VIEWS[RAW]).partition("\n")[0])
    asked = CliRunner().invoke(cli, ["why", "33", str(built / "raw" / BOARD)])
    assert "raw.system:" in asked.stdout
    old = CliRunner().invoke(cli, ["why", "server", "HEAD:./system.toml"])
    assert (old.exit_code, "priority 120" in old.stdout, "HEAD:sub/system.toml:" in old.stdout) == (0, True, True)
    assert CliRunner().invoke(cli, ["show", "HEAD:nothing"]).exit_code == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("manifest.json", "", "is no manifest of a build"),
        ("manifest.json", "[" * 100000, "is no manifest of a build"),
        (
            "manifest.json",
            '{"system": "../x", "board": "b", "microkit": "", "config": "", "patches": [], "services": []}',
            "is no manifest",
        ),
        (
            "manifest.json",
            '{"system": "raw", "board": "b", "microkit": "", "config": "", "patches": [], "services": []}',
            "has no file here",
        ),
        ("raw.system", None, "raw.system: No such file or directory"),
        ("raw.system", "<system>", "is not as sdfgen wrote it"),
        ("raw.system", "<system><memory_region/></system>", "is not as sdfgen wrote it"),
        ("raw.system", '<system><memory_region name="a" size="x"/></system>', "is not as sdfgen wrote it"),
        ("raw.system", '<system><protection_domain name="a"/></system>', "is not as sdfgen wrote it"),
        ("raw.system", "\0", "is not as sdfgen wrote it"),
        (
            "raw.system",
            '<!DOCTYPE s [<!ENTITY e SYSTEM "file:///etc/passwd">]><system>&e;<domains/></system>',
            "is not as sdfgen wrote it",
        ),
    ],
)
def test_a_build_that_is_none_is_told(name: str, content: str | None, said: str, built: Path, tmp_path: Path) -> None:
    for file in ("manifest.json", "raw.system"):
        (tmp_path / file).write_bytes((built / "raw" / BOARD / file).read_bytes())
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_text(content)
    status, out, err = run(str(tmp_path), str(RAW))
    assert (status, out) == (1, "")
    assert said in err


def git(folder: Path, *words: str) -> None:
    own = ["-c", "user.name=n", "-c", "user.email=e", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *own, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose description has changed since; its kernel is not in it."""
    folder = tmp_path / "repository" / "sub"
    folder.mkdir(parents=True)
    path = folder / "system.toml"
    path.write_text(
        RAW.read_text()
        .replace('prefill_path = "raw.toml"', 'prefill_path = "more.bin"')
        .replace("[system]", 'include = ["../shared.toml"]\n[system]')
    )
    (folder.parent / "shared.toml").write_text("")
    (folder / ".gitignore").write_text("*.bin\n")
    (folder / "more.bin").write_bytes(b"x" * 100)
    git(folder.parent, "init")
    git(folder.parent, "add", ".")
    git(folder.parent, "commit", "-m", "first")
    path.write_text(path.read_text().replace("priority = 120", "priority = 119"))
    monkeypatch.chdir(folder)
    return folder


def test_a_revision(repository: Path) -> None:
    line = "  protection domain server, priority: 120 -> 119 (system.toml:37)\n"
    assert run("HEAD:./system.toml", "system.toml") == (0, f"{BOARD}: the same authority\n\nscheduling\n{line}", "")
    assert run("HEAD:sub/system.toml", "system.toml")[1].endswith(line)
    back = run("system.toml", "main:./system.toml")[1]
    assert back.endswith("priority: 119 -> 120 (main:sub/system.toml:37)\n")
    assert run("HEAD:./system.toml", "HEAD:sub/system.toml") == (0, f"{BOARD}: no difference\n", "")
    git(repository, "status", "--short")
    left = subprocess.run(["git", "status", "--porcelain"], cwd=repository, capture_output=True, check=True)
    assert left.stdout == b" M sub/system.toml\n"


def test_a_link_that_leads_out_is_not_followed(repository: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = repository / "link"
    link.symlink_to(outside)
    git(repository, "add", "link")
    git(repository, "commit", "-m", "a link")
    link.unlink()
    link.mkdir()
    (link / "known").write_bytes(b"")
    git(repository, "add", "link/known")
    (link / "new.bin").write_bytes(b"")
    assert run("HEAD:./system.toml", "system.toml")[0] == 0
    assert list(outside.iterdir()) == []


def test_a_revision_with_faults_is_told_by_its_name(repository: Path) -> None:
    (repository / "system.toml").write_text("[system]\nname = 3\n")
    git(repository, "commit", "-am", "broken")
    (repository / "system.toml").write_bytes(RAW.read_bytes())
    status, out, err = run("HEAD:./system.toml", str(RAW))
    assert (status, out) == (1, "")
    assert "HEAD:sub/system.toml:2:8: error[SDF003]" in err
    assert "sdfgen-" not in err


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("HEAD:nothing", "revision 'HEAD' has no file 'nothing'\n"),
        ("HEAD:system.toml", "revision 'HEAD' has no file 'system.toml'; there is HEAD:./system.toml\n"),
        ("HEAD:sub", "revision 'HEAD' has no file 'sub'\n"),
        ("HEAD:../../x", "has no file '../x'\n"),
        ("HEAD:/etc/passwd", "has no file '/etc/passwd'\n"),
        ("nothing:system.toml", "'nothing' is no revision here\n"),
        ("HEAD~9:system.toml", "'HEAD~9' is no revision here\n"),
        ("--help:system.toml", "is no file, and not of the form REV:FILE either\n"),
    ],
)
def test_a_revision_that_is_none_is_told(repository: Path, spec: str, said: str) -> None:
    assert repository.is_dir()
    status, out, err = run("system.toml", "--", spec)
    assert (status, out) == (1, "")
    assert err.endswith(said)


def test_without_a_repository_or_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    status, _, err = run(str(RAW), "HEAD:x.toml")
    assert (status, "not a git repository" in err) == (1, True)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(str(RAW), "HEAD:x.toml") == (1, "", "sdfgen: git is not installed, so there are no revisions\n")
