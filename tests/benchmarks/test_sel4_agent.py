"""benchmarks/sel4: the agent of the guests on this machine, with files for disks, and a session in which it is QEMU."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.measure import BenchmarkError
from benchmarks.sel4 import rounds, session
from benchmarks.sel4.cells import MIB, Boot, Cell, Load, Pace, cells
from benchmarks.sel4.guest import SOURCES
from benchmarks.sel4.mailbox import LostError, Mailbox
from benchmarks.sel4.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The disk begins somewhere in a file on seL4; the agent here has the whole file.
DISK_MIB = 40
SECONDS = 20
PACE = Pace(2, 5, SECONDS, SECONDS, 0)


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> str:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler is installed (Debian: gcc)")
    program = str(tmp_path_factory.mktemp("agent") / "agent")
    words = (compiler, "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined")
    subprocess.run([*words, "-fno-sanitize-recover=all", *SOURCES, "-o", program], check=True)
    return program


def disk_in(folder: Path, name: str) -> str:
    path = folder / name
    path.write_bytes(bytes(DISK_MIB * MIB))
    try:
        os.close(os.open(path, os.O_RDWR | os.O_DIRECT))
    except OSError:
        pytest.skip("this file system has no O_DIRECT")
    return str(path)


@dataclasses.dataclass
class Talk:
    """A running agent and its mailbox."""

    mailbox: Mailbox
    process: subprocess.Popen[bytes]

    def ask(self, words: str) -> tuple[str, ...]:
        self.mailbox.tell(words)
        return self.mailbox.wait(SECONDS, lambda: self.process.poll() is None)


@pytest.fixture
def talk(agent: str, tmp_path: Path) -> Iterator[Talk]:
    path = disk_in(tmp_path, "disk")
    with subprocess.Popen([agent, path]) as process:
        yield Talk(Mailbox("client1", path, 0), process)
        process.kill()


@pytest.mark.parametrize(("size", "depth"), [(4096, 1), (65536, 16), (MIB, 32)])
@pytest.mark.parametrize("direction", ["write", "read"])
def test_a_load_keeps_to_its_time_and_does_what_it_says(talk: Talk, direction: str, size: int, depth: int) -> None:
    requests, nanoseconds = map(int, talk.ask(f"load {direction} {size} {depth} 5 20"))
    assert nanoseconds >= 20_000_000
    assert requests >= max(depth, 4)
    if size == MIB:
        assert talk.mailbox.was_written() == (direction == "write")


def test_what_was_read_before_is_not_what_is_written(talk: Talk) -> None:
    talk.ask(f"load read {MIB} 32 0 1")
    talk.ask(f"load write {MIB} 1 0 1")
    assert talk.mailbox.was_written()


@pytest.mark.parametrize(
    "words",
    [
        "load write 4096 0 0 1",
        "load write 4096 33 0 1",
        "load write 0 1 0 1",
        "load write 2048 1 0 1",
        f"load write {2 * MIB} 1 0 1",
        "load trim 4096 1 0 1",
    ],
)
def test_a_load_that_cannot_be_is_refused_and_the_next_is_done(talk: Talk, words: str) -> None:
    with pytest.raises(BenchmarkError, match=r"^client1: error a load that can't be$"):
        talk.ask(words)
    assert len(talk.ask("load read 4096 1 0 1")) == 2


def test_the_longest_of_many_writes_is_told(talk: Talk) -> None:
    requests, longest_ns, began_ns = map(int, talk.ask("gaps 50"))
    assert requests >= 1
    assert 50_000_000 / requests / 2 < longest_ns
    assert 0 <= began_ns < 50_000_000


def test_an_attack_that_can_not_be_is_told_to_who_ends_it(talk: Talk) -> None:
    assert talk.ask("rest 1") == talk.ask("attack spin 1") == talk.ask("rest 1") == ()
    assert talk.ask("attack sing 1") == ()
    with pytest.raises(BenchmarkError, match=r"^client1: error the attack: Invalid argument$"):
        talk.ask("rest 1")


@pytest.mark.parametrize("words", ["load", "load write 4096 1", "sing", ""])
def test_what_is_no_command_is_refused(talk: Talk, words: str) -> None:
    with pytest.raises(BenchmarkError, match=r"^client1: error not understood$"):
        talk.ask(words)


def test_who_rests_looks_later(talk: Talk) -> None:
    assert talk.ask("rest 600000") == ()
    talk.mailbox.tell("load read 4096 1 0 1")
    with pytest.raises(LostError, match=r"^client1: no answer within 1 s$"):
        talk.mailbox.wait(1, lambda: True)


def row_of(words: tuple[str, ...], *disks: str) -> Row:
    mailboxes = (Mailbox(f"client{number}", path, 0) for number, path in enumerate(disks, start=1))
    return Row("ours", words, tuple(mailboxes), 1)


def test_a_session_measures_every_cell(agent: str, tmp_path: Path) -> None:
    one, two = disk_in(tmp_path, "one"), disk_in(tmp_path, "two")
    script = 'agent=$1; $agent "$2" & $agent "$3" & trap "kill 0" TERM; wait'
    row = row_of(("setsid", "sh", "-c", script, "sh", agent, one, two), one, two)
    boot = session.measured(row, PACE._replace(idle_seconds=1), str(tmp_path / "log"))
    assert boot.trouble == ()
    assert tuple(boot.loads) == cells(2)
    assert all(load.bytes_per_second > 0 for load in boot.loads.values())
    assert boot.boot_seconds is not None
    assert boot.idle_cores is not None


def test_a_load_that_fails_is_told_and_the_others_go_on(agent: str, tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.write_bytes(bytes(MIB + MIB // 2))
    boot = session.measured(row_of((agent, str(path)), str(path)), PACE, str(tmp_path / "log"))
    large = [cell for cell in cells(1) if cell.block_bytes == MIB]
    assert tuple(boot.loads) == tuple(cell for cell in cells(1) if cell not in large)
    assert boot.trouble[: len(large)] == tuple(
        f"{cell.command(PACE)}: client1: error a load that can't be" for cell in large
    )


@pytest.mark.parametrize(
    ("words", "trouble"),
    [
        (("false",), "client1: QEMU has ended"),
        (("sleep", "60"), "client1: no answer within 1 s"),
    ],
)
def test_who_does_not_boot_is_told(tmp_path: Path, words: tuple[str, ...], trouble: str) -> None:
    row = row_of(words, disk_in(tmp_path, "disk"))
    boot = session.measured(row, PACE._replace(boot_seconds=1), str(tmp_path / "log"))
    assert boot == Boot(None, {}, None, (trouble,))


def test_what_an_earlier_boot_left_is_no_answer(tmp_path: Path) -> None:
    path = disk_in(tmp_path, "disk")
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"0 ok\n")
    boot = session.measured(row_of(("false",), path), PACE, str(tmp_path / "log"))
    assert boot.boot_seconds is None


def test_rows_take_turns_and_who_did_not_boot_twice_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    booted: list[str] = []

    def fake(row: Row, _pace: Pace, _log: str) -> Boot:
        booted.append(row.name)
        return Boot(1.0 if row.name == "good" else None, {Cell(4096, "read", 1): Load(1, 1)}, None, ())

    monkeypatch.setattr(rounds, "measured", fake)
    saved: list[int] = []
    rows = [Row(name, (sys.executable,), (), 1) for name in ("bad", "good")]
    boots = rounds.rounds(rows, 3, PACE, str(tmp_path), lambda boots: saved.append(len(boots["good"])))
    assert booted == ["bad", "good", "bad", "good", "good"]
    assert [len(boots[name]) for name in ("bad", "good")] == [3, 3]
    assert saved == [1, 2, 3]
