"""A program that stands where QEMU would, says what a test tells it to, and ends as that wants."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = "10.0.2"
PROGRAM = """\
#!{python}
import json, os, signal, socket, sys, threading, time
if sys.argv[1:] == ["--version"]:
    sys.exit(print("QEMU emulator version {version}"))
with open({folder!r} + "/script.json") as file:
    script = json.load(file)
with open({folder!r} + "/started.json.new", "w") as file:
    json.dump({{"pid": os.getpid(), "words": sys.argv[1:]}}, file)
def answer_machine_protocol(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        line, _ = listener.accept()
        with line, line.makefile("rw") as stream:
            stream.write(json.dumps({{"QMP": {{}}}}) + "\\n")
            stream.flush()
            for text in stream:
                stream.write(json.dumps({{"event": "RESUME"}}) + "\\n")
                stream.write(json.dumps(answer_to(json.loads(text))) + "\\n")
                stream.flush()
def answer_to(command):
    wanted = command["arguments"]
    if command["execute"] == "qmp_capabilities":
        return {{"return": {{}}}}
    page = script["memory"].get(str(wanted["val"]))
    if command["execute"] != "pmemsave" or page is None:
        return {{"error": {{"class": "GenericError", "desc": "no such memory"}}}}
    with open(wanted["filename"], "wb") as file:
        file.write(bytes.fromhex(page)[:wanted["size"]])
    return {{"return": {{}}}}
if "-qmp" in sys.argv:
    place = sys.argv[sys.argv.index("-qmp") + 1].partition(":")[2].partition(",")[0]
    threading.Thread(target=answer_machine_protocol, args=(place,), daemon=True).start()
if script["stubborn"]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.rename({folder!r} + "/started.json.new", {folder!r} + "/started.json")
for text in script["says"]:
    sys.stdout.write(text)
    sys.stdout.flush()
    time.sleep(script["delay_s"])
while script["status"] is None:
    time.sleep(1)
sys.exit(script["status"])
"""


@dataclasses.dataclass(frozen=True, slots=True)
class FakeQemu:
    """Its folder, which goes on PATH."""

    folder: Path

    def install(self) -> None:
        self.folder.mkdir()
        program = self.folder / "qemu-system-aarch64"
        program.write_text(PROGRAM.format(python=sys.executable, folder=str(self.folder), version=VERSION))
        program.chmod(0o755)

    def will(
        self,
        *says: str,
        status: int | None = None,
        delay_s: float = 0.05,
        stubborn: bool = False,
        memory: Mapping[int, bytes] | None = None,
    ) -> None:
        """Say these texts, one after the other, and end with a status; None is to run until it is ended."""
        script: dict[str, Any] = {"says": says, "status": status, "delay_s": delay_s, "stubborn": stubborn}
        script["memory"] = {str(address): content.hex() for address, content in (memory or {}).items()}
        (self.folder / "script.json").write_text(json.dumps(script))

    @property
    def started(self) -> bool:
        return (self.folder / "started.json").exists()

    @property
    def words(self) -> list[str]:
        """The arguments it was started with."""
        words: list[str] = self._start()["words"]
        return words

    @property
    def runs(self) -> bool:
        """Whether it has not ended; one that nobody has waited for yet has."""
        status = Path(f"/proc/{self._start()['pid']}/stat")
        return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"

    def _start(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "started.json").read_text())
        return found

    def path(self) -> str:
        return f"{self.folder}{os.pathsep}{os.environ['PATH']}"
