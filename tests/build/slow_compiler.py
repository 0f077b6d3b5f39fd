"""A GCC for tests: it compiles with Zig, and does to which steps what a test asks for."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import ziglang

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM: Final = """\
#!{python} -S
import os, signal, sys, time
folder = {folder!r}
words = sys.argv[1:]
text = " ".join(words)
if words == ["-print-libgcc-file-name"]:
    sys.exit()
if words and words[0].startswith("-print") or words == ["--version"]:
    print("made-up " + open(folder + "/version").read())
    sys.exit()
trouble = folder + "/trouble"
if os.path.exists(trouble):
    what, step = open(trouble).read().split(" ", 1)
    if step in text:
        open(folder + "/pids", "a").write(str(os.getpid()) + "\\n")
        if what == "fail":
            sys.exit("it does not want to")
        if what == "complain":
            source = words[words.index("-c") + 1]
            sys.exit(source + ":3:7: error: expected expression")
        if what == "half":
            open(words[words.index("-o") + 1], "w").write("half")
            sys.exit(1)
        if what == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
target = "aarch64-freestanding" if "-ffreestanding" in words else "aarch64-linux-musl"
words = [word for word in words if word not in ("-mgeneral-regs-only", "-Wl,--strip-debug")]
tool = ["ar"] if sys.argv[0].endswith("ar") else ["cc", "-target", target]
os.execv({zig!r}, ["zig", *tool, *words])
"""

ZIG: Final = os.path.join(os.path.dirname(ziglang.__file__), "zig")


class SlowCompiler:
    """Its folder; `prefix` is what a description names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prefix = f"{folder}/odd-"
        folder.mkdir()
        self.version("1")
        for name in ("odd-gcc", "odd-gcc-ar"):
            program = folder / name
            program.write_text(PROGRAM.format(python=sys.executable, folder=str(folder), zig=ZIG))
            program.chmod(0o755)

    def version(self, text: str) -> None:
        """Be another version."""
        (self.folder / "version").write_text(text)

    def will(self, what: str, step: str) -> None:
        """Do something (`fail`, `complain`, `half`, `sleep`, `stubborn`) when the words of a step are in a command."""
        (self.folder / "pids").unlink(missing_ok=True)
        (self.folder / "trouble").write_text(f"{what} {step}")

    def will_work(self) -> None:
        """Compile."""
        (self.folder / "trouble").unlink(missing_ok=True)

    def pids(self) -> list[int]:
        """Processes that did what was asked for."""
        path = self.folder / "pids"
        return [int(line) for line in path.read_text().split()] if path.exists() else []
