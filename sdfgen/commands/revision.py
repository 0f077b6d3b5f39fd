"""A description as it was in a revision of git: its whole tree, in a folder for as long as it is read."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS = 300
"""How long git may take for one thing."""


class RevisionError(Exception):
    """Why there is no such revision here, in words."""


class Revision(NamedTuple):
    """A description of a revision.

    Attributes:
        path: Where it is now.
        folder: The folder of the revision's tree.
        name: The revision, as it was named.
    """

    path: str
    folder: str
    name: str

    def file_name(self, path: str) -> str:
        """Return what to call a file: one of the revision is `REV:PATH`."""
        inside = path.removeprefix(f"{self.folder}/")
        return path if inside == path else f"{self.name}:{os.path.normpath(inside)}"

    def told(self, text: str) -> str:
        """Return a message that calls files so."""
        return text.replace(f"{self.folder}/", f"{self.name}:")


@contextmanager
def at_revision(spec: str) -> Iterator[Revision]:
    """Have a revision's files for a while.

    Args:
        spec: `REV:FILE`, as git has it: FILE is from the top of the repository, or from here when it begins with `./`.

    Raises:
        RevisionError: When there is no git, no repository, no such revision or no such file in it.
    """
    name, _, file = spec.partition(":")
    if not name or not file or name.startswith("-") or "\0" in spec:
        raise RevisionError(f"{spec!r} is no file, and not of the form REV:FILE either")
    top = _git("rev-parse", "--show-toplevel")
    here = _git("rev-parse", "--show-prefix")
    commit = _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", wrong=f"{name!r} is no revision here")
    within = os.path.normpath(here + file if file.startswith(("./", "../")) else file)
    if not _has(commit, within):
        near = f"; there is {name}:./{file}" if here and _has(commit, os.path.normpath(here + file)) else ""
        raise RevisionError(f"revision {name!r} has no file {within!r}{near}")
    with tempfile.TemporaryDirectory(prefix="sdfgen-") as folder:
        tree = os.path.join(folder, "tree")
        _check_out(commit, top, folder, tree)
        yield Revision(os.path.join(tree, within), tree, name)


def _has(commit: str, path: str) -> bool:
    """Tell whether a revision has a file."""
    if os.path.isabs(path) or path.startswith("../"):
        return False
    try:
        return _git("cat-file", "-t", f"{commit}:{path}") == "blob"
    except RevisionError:
        return False


def _check_out(commit: str, top: str, folder: str, tree: str) -> None:
    """Write a revision's files; where it has none, links lead to what the working folder has and git does not know."""
    index = {"GIT_INDEX_FILE": os.path.join(folder, "index")}
    _git("read-tree", commit, more=index, where=top)
    _git("checkout-index", "--all", "--force", f"--prefix={tree}/", more=index, where=top)
    unknown = _git("ls-files", "-z", "--others", "--directory", "--no-empty-directory", where=top)
    for path in filter(None, (name.rstrip("/") for name in unknown.split("\0"))):
        # A link in the revision may lead out of its tree: nothing is written there.
        there, within = os.path.join(tree, path), os.path.normpath(os.path.join(tree, os.path.dirname(path)))
        if os.path.realpath(within) == os.path.realpath(tree) + within[len(tree) :] and not os.path.lexists(there):
            _link(os.path.join(top, path), there)


def _link(target: str, path: str) -> None:
    with suppress(OSError):  # the folder is none in the revision
        os.symlink(target, path)


def _git(*words: str, wrong: str = "", more: dict[str, str] | None = None, where: str | None = None) -> str:
    """Run git and return what it says; `wrong` is what its failure means, where it does not say that better."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **(more or {})}
    try:
        done = subprocess.run(
            ["git", *words],  # noqa: S607 - the user's git
            cwd=where,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise RevisionError("git is not installed, so there are no revisions") from None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise RevisionError(f"git: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise RevisionError(wrong or (said[0] if said else f"git {words[0]} failed"))
    return done.stdout.decode(errors="surrogateescape").removesuffix("\n")
