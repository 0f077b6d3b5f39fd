"""Packages of the machine's own Debian mirror, of any architecture, unpacked without installing anything.

apt is given package lists of its own inside the cache, so neither the system's state nor root is touched or needed.
The lists are kept until a download fails: the same versions are used until the mirror drops them.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from sdfgen.linux.cache import UnavailableError, cache_folder, locked, need_programs

if TYPE_CHECKING:
    from collections.abc import Sequence

APT_SECONDS = 600
BACKPORTS = "SDFGEN_BACKPORTS"
"""Set to anything, this variable of the environment prefers the packages of Debian's backports: newer kernels."""
LISTED = "$(SITE) $(CODENAME) $(COMPONENT)"
SUITES = re.compile(r"^(\S+) (\w+) main$", re.MULTILINE)
STANZA_LINE = re.compile(r"^(Package|Version|Architecture): (\S+)$", re.MULTILINE)


def native_architecture() -> str:
    """What this machine's own programs are for."""
    need_programs("dpkg")
    return subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()


def _backports() -> tuple[str, str]:
    """The suite of the system's backports, and a list of sources with it; the system's own ones stay beside it."""
    words = ["apt-get", "indextargets", "--format", LISTED, "Created-By: Packages"]
    listed = SUITES.findall(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    if not listed:
        raise UnavailableError("apt has no suite of Debian")
    site, name = listed[0]
    suite = f"{name}-backports"
    return suite, f"deb {site} {suite} main\n"


class Archive:
    """One architecture's packages."""

    def __init__(self, architecture: str) -> None:
        need_programs("apt-get", "apt-cache", "dpkg-deb", "tar")
        self.architecture = architecture
        self.suite, sources = _backports() if os.environ.get(BACKPORTS) else ("", "")
        self.folder = os.path.join(cache_folder(), "-".join(filter(None, ("apt", architecture, self.suite))))
        self.debs = os.path.join(cache_folder(), "debs")
        for name in (self.folder, self.debs, *(os.path.join(self.folder, d) for d in ("lists/partial", "cache"))):
            os.makedirs(name, exist_ok=True)
        if sources:
            with open(os.path.join(self.folder, "sources.list"), "w", encoding="utf-8") as file:
                file.write(sources)
        with locked(os.path.basename(self.folder)):
            if not os.path.exists(os.path.join(self.folder, "complete")):
                self.refresh()

    def _apt(self, program: str, *arguments: str) -> str:
        settings = {
            "Dir::State": self.folder,
            "Dir::State::status": os.devnull,
            "Dir::Cache": os.path.join(self.folder, "cache"),
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
            "Debug::NoLocking": "true",
        }
        if self.suite:
            own = os.path.join(self.folder, "sources.list")
            settings |= {"Dir::Etc::SourceList": own, "APT::Default-Release": self.suite}
        options = [text for key, value in settings.items() for text in ("-o", f"{key}={value}")]
        done = subprocess.run(
            [program, "-q", *options, *arguments],
            cwd=self.debs,
            env={**os.environ, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
            timeout=APT_SECONDS,
        )
        if done.returncode != 0:
            raise UnavailableError(f"{program} {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def refresh(self) -> None:
        """Reads the mirror's package lists."""
        self._apt("apt-get", "update", "--error-on=any")
        with open(os.path.join(self.folder, "complete"), "w", encoding="utf-8"):
            pass

    def _stanzas(self, packages: Sequence[str]) -> list[dict[str, str]]:
        """What the lists say about the version of each that would be installed, in that order."""
        text = self._apt("apt-cache", "show", "--no-all-versions", *packages)
        stanzas = [dict(STANZA_LINE.findall(part)) for part in text.split("\n\n") if part.strip()]
        by_name = {stanza["Package"]: stanza for stanza in stanzas}
        missing = [name for name in packages if name not in by_name]
        if missing:
            raise UnavailableError(f"not in the {self.architecture} lists: {', '.join(missing)}")
        return [by_name[name] for name in packages]

    def versions(self, *packages: str) -> list[str]:
        """`name=version` of each."""
        return [f"{stanza['Package']}={stanza['Version']}" for stanza in self._stanzas(packages)]

    def depends(self, package: str, prefix: str = "") -> str:
        """The first package that it depends on and whose name begins so: what `linux-image-amd64` stands for."""
        text = self._apt("apt-cache", "depends", "--no-recommends", "--no-suggests", package)
        names = [name for name in re.findall(r"Depends: (\S+)$", text, re.MULTILINE) if name.startswith(prefix)]
        if not names:
            raise UnavailableError(f"{package} depends on no {prefix or 'package'}")
        return str(names[0])

    def with_dependencies(self, *packages: str) -> list[str]:
        """The packages and all that they need, as an empty system would get them."""
        arguments = ("--print-uris", "-y", "--no-install-recommends", "install")
        lines = self._apt("apt-get", *arguments, *packages).splitlines()
        return sorted(line.split()[1].split("_")[0] for line in lines if line.startswith("'"))

    def download(self, packages: Sequence[str]) -> list[str]:
        """The packages' files, fetched where they are missing."""
        names = [
            f"{stanza['Package']}_{stanza['Version'].replace(':', '%3a')}_{stanza['Architecture']}.deb"
            for stanza in self._stanzas(packages)
        ]
        paths = [os.path.join(self.debs, name) for name in names]
        with locked("debs"):
            if not all(map(os.path.exists, paths)):
                self._download(packages)
        return paths

    def _download(self, packages: Sequence[str]) -> None:
        try:
            self._apt("apt-get", "download", *packages)
        except UnavailableError:
            self.refresh()
            raise

    def unpack(self, folder: str, *packages: str) -> None:
        """The packages' files below `folder`."""
        for path in self.download(packages):
            subprocess.run(["dpkg-deb", "-x", path, folder], check=True)
