"""What is done where a compiler is there, but not all that belongs to it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from .toolchain import HERE, SANITIZERS

if TYPE_CHECKING:
    from pathlib import Path

# Compiles, where the true one is there; finds nothing to link sanitizers with.
CLANG = """\
#!/bin/sh
case " $* " in *" -c "*) exec {clang} "$@" ;; esac
echo "ld: cannot find libclang_rt.asan-x86_64.a: No such file or directory" >&2
exit 1
"""
REASONS = {
    f"clang cannot link {flags} (Debian: libclang-rt-dev)"
    for flags in (SANITIZERS, "-fsanitize=fuzzer,address,undefined")
}
SKIPPED = re.compile(r"SKIPPED \[\d+\] [^ ]+: (.+)")


def test_a_compiler_without_its_libraries_skips_its_tests(tmp_path: Path) -> None:
    stand_in = tmp_path / "clang"
    stand_in.write_text(CLANG.format(clang=shutil.which("clang") or "false"))
    stand_in.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PATH"] = os.pathsep.join([str(tmp_path), environment["PATH"]])
    # The corpora are there with any compiler.
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'base'}"]
    command += [HERE, "-k", "(clang or fuzz) and not corpus_is_small"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(r"\d+ skipped, \d+ deselected in .*", last), done.stdout[-4000:]
    assert set(SKIPPED.findall(done.stdout)) == REASONS
