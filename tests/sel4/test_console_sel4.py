"""On seL4, two guests are typed into in turn, whatever the other does: it floods its console, it reboots."""

from __future__ import annotations

import itertools
import os
import re
import statistics
import sys
from typing import TYPE_CHECKING, Final

import pytest

from sdfgen.linux.cpio import Cpio
from tests.guest.client_vm import write_initrd
from tests.guest.console_guest import console_guest

from .terminal import Terminal, on_terminal
from .trial import QEMU, SCRIPTS, needed, sdfgen, sdfgen_words

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.sel4

GUESTS: Final = ("client1", "client2")
SWITCHES: Final = 100
TIMEOUT_S: Final = 900
FOCUS: Final = {name: b"\x1c%d\r" % number for number, name in enumerate(GUESTS)}
KEYS: Final = "GHIJKLMNOPQRSTUVWXYZ"
"""Of none is there one in the file that the other shows meanwhile."""
KEY_PAUSE_S: Final = 0.3
ERASE: Final = b"\x15"
"""Of what Linux does before a shell reads: the line that was begun is no more, and nobody is shown it again."""
ECHO_TIMEOUT_S: Final = 30
MIB: Final = 1 << 20
MAKE_MIB: Final = b"yes $(printf %063d 5) | head -n 16384 >/tmp/mib; wc -c </tmp/mib\r"
SHOW_MIB: Final = b"cat /tmp/mib; wc -c </tmp/mib\r"
DESCRIPTION: Final = """
[system]
name = "consoles"
boards = ["qemu_virt_aarch64"]
config = "{config}"
[[guest]]
name = "client1"
kernel = "kernel"
initrd = "client1"
[[guest]]
name = "client2"
kernel = "kernel"
initrd = "client2"
[console]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("console")
    guest = needed(console_guest, QEMU)
    (folder / "kernel").symlink_to(guest.kernel)
    for name in GUESTS:
        extra = Cpio()
        extra.copy("test/run", str(SCRIPTS / "console.sh"))
        extra.file("test/name", f"{name}\n".encode())
        write_initrd(guest, str(folder / name), extra)
    return folder


def run(project: Path, steps: list[str], config: str = "debug") -> str:
    """What is seen while steps are taken."""
    (project / "system.toml").write_text(DESCRIPTION.format(config=config), encoding="utf-8")
    (project / "steps").write_text("\n".join(steps) + "\n", encoding="utf-8")
    options = ("--script", "steps", "--timeout", str(TIMEOUT_S), "-o", f"build-{config}")
    done = sdfgen("run", *options, cwd=project)
    (project / f"console-{config}").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return done.stdout


def up(*names: str) -> list[str]:
    return [f"expect {name}:@@ up" for name in names]


def said(name: str, text: str) -> list[str]:
    """A guest is told to say something, and does."""
    return [f"send {name}:echo {text}\\n", f"expect {name}:@@ heard {text}$"]


@pytest.fixture(scope="module")
def seen(project: Path) -> str:
    turns = itertools.islice(itertools.cycle(GUESTS), SWITCHES)
    return run(
        project,
        [
            *up(*GUESTS),
            *(step for number, name in enumerate(turns) for step in said(name, f"turn-{number}")),
            "send client2:flood\\n",
            *(step for number in range(10) for step in said("client1", f"beside-{number}")),
            "send client1:again\\n",
            *up("client1"),
            *said("client1", "after"),
            "send client2:calm\\n",
            "expect client2:@@ calm",
            *said("client2", "last"),
        ],
    )


def heard(seen: str, name: str) -> list[str]:
    """What a guest says it heard; of an unfinished line as much as there is, each time that it is shown again."""
    return re.findall(rf"^{name}\| (?:client\d# )?@@ heard (\S+)$", seen, re.MULTILINE)


def test_each_hears_what_is_typed_to_him(seen: str) -> None:
    turns = [f"turn-{number}" for number in range(SWITCHES)]
    for place, name in enumerate(GUESTS):
        found = [text for text in dict.fromkeys(heard(seen, name)) if text.startswith("turn-")]
        assert found == turns[place :: len(GUESTS)]


def test_a_flood_keeps_nobody_from_typing(seen: str) -> None:
    beside = [f"beside-{number}" for number in range(10)]
    found = dict.fromkeys(text for text in heard(seen, "client1") if text in beside)
    assert list(found) == beside
    flood = re.findall(r"^client2\| [0-9a-f]{16} \S \S+$", seen, re.MULTILINE)
    assert len(flood) > 100


def test_a_guest_that_reboots_is_typed_into_again(seen: str) -> None:
    before, after = seen.split("client1| the guest starts again")  # its VMM says so; `run` shows whose VMM it is
    assert "client1| @@ up client1" in before
    assert "client1| @@ up client1" in after
    assert "after" in heard(seen, "client1")
    assert "last" in heard(seen, "client2")


def test_release_kernels_have_consoles_too(project: Path) -> None:
    if not os.path.isdir(os.path.join(os.environ["MICROKIT_SDK"], "board", "qemu_virt_aarch64", "release")):
        pytest.skip("the SDK has no release configuration")
    steps = [*up(*GUESTS), *said("client1", "one"), *said("client2", "two")]
    steps += ["send client1:again\\n", *up("client1"), *said("client1", "three")]
    text = run(project, steps, "release")
    assert "client1| the guest starts again" in text


def echoes_ms(terminal: Terminal, until: bytes = b"never") -> list[float]:
    """How long each key takes to be seen, as long as something else is not."""
    taken_ms = []
    begin = len(terminal.seen)
    for key in KEYS:
        terminal.rest(KEY_PAUSE_S)
        if until in terminal.seen[begin:]:
            break
        terminal.type(key.encode())
        taken_ms.append(1000 * terminal.wait(key.encode(), ECHO_TIMEOUT_S))
    terminal.type(ERASE)
    return taken_ms


def test_keys_are_seen_beside_a_mebibyte_on_the_other_console(project: Path) -> None:
    (project / "system.toml").write_text(DESCRIPTION.format(config="debug"), encoding="utf-8")
    words = sdfgen_words("run", "--timeout", str(TIMEOUT_S), "-o", "build-debug")
    size = f"{MIB}".encode()
    with on_terminal(words, project) as terminal:
        for name in GUESTS:
            terminal.wait(f"@@ up {name}".encode(), TIMEOUT_S)
        terminal.type(FOCUS["client2"] + MAKE_MIB)
        terminal.wait(size, TIMEOUT_S)
        terminal.type(FOCUS["client1"])
        figures = {"with nothing else": echoes_ms(terminal)}
        terminal.type(FOCUS["client2"] + SHOW_MIB + FOCUS["client1"])
        terminal.wait(b"00005", TIMEOUT_S)
        figures["beside 1 MiB"] = echoes_ms(terminal, size)
    for where, found in figures.items():
        median = statistics.median(found)
        sys.stdout.write(f"{len(found)} echoes {where}: {min(found):.0f} to {max(found):.0f} ms, median {median:.0f}\n")
    assert len(figures["beside 1 MiB"]) > 1
