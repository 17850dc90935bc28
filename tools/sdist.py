"""Source distributions of other projects, pinned by their hash, from the package index."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path


class Unavailable(Exception):
    """The package index cannot be reached, or no longer has what is pinned."""


@dataclass(frozen=True)
class Sdist:
    """One release of one project. ``sha256`` is that of its archive."""

    name: str
    version: str
    sha256: str

    @property
    def pin(self) -> str:
        """The requirement, as pip spells it."""
        return f"{self.name}=={self.version}"

    def fetch(self, folder: Path) -> Path:
        """Download the archive into ``folder``; pip checks the hash.

        Raises:
            Unavailable: the index does not give it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        wanted = folder / "requirement.txt"
        wanted.write_text(f"{self.pin} --hash=sha256:{self.sha256}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-binary", self.name, "--requirement", str(wanted), "--dest", str(folder)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        found = [path for path in folder.glob("*.tar.gz") if path.name.lower().startswith(self.name.lower())]
        if made.returncode or not found:
            raise Unavailable(f"{self.pin} cannot be downloaded: {made.stderr.strip()[-300:]}")
        return found[0]

    def unpack(self, archive: Path, folder: Path) -> Path:
        """Unpack ``archive`` into the empty ``folder``; the one folder that it holds."""
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        return next(path for path in folder.iterdir() if path.is_dir())


TORNADO = Sdist("tornado", "6.6.1", "28e6311402af59c8b02e3fa0f5e7d8eb465b25081381803b127d97e6a4395d5a")
PASTE = Sdist("Paste", "3.10.1", "1c3d12065a5e8a7a18c0c7be1653a97cf38cc3e9a5a0c8334a9dd992d3a05e4a")
DOCUTILS = Sdist("docutils", "0.21.2", "3a6b18732edf182daa3cd12775bbb338cf5691468f91eeeb109deff6ebfa986f")
SUPERVISOR = Sdist("supervisor", "4.2.5", "34761bae1a23c58192281a5115fb07fbf22c9b0133c08166beffc70fed3ebc12")
KOMBU = Sdist("kombu", "5.4.2", "eef572dd2fd9fc614b37580e3caeafdd5af46c1eff31e7fba89138cdb406f2cf")
HUEY = Sdist("huey", "2.5.2", "df33db474c05414ed40ee2110e9df692369871734da22d74ffb035a4bd74047f")
PYFTPDLIB = Sdist("pyftpdlib", "2.0.1", "ef0d172a82bfae10e2dec222e87533514609d41bf4b0fd0f07e29d4380fb96bf")
WERKZEUG = Sdist("werkzeug", "3.1.9", "55ca7c70a75689be937aa27f8ff4b018f06ff4838fc73045560bf0f5a1291060")
PYPARSING = Sdist("pyparsing", "3.3.3", "928ae7e20211f3b6f3915a72f06a0cfd29ab9d24279dd6346b6b1a7146397d36")
JEDI = Sdist("jedi", "0.20.1", "2f71208c3f9c1bca057c0e90d3f272aba44ace88fc4067d7587e9e069331b7e5")
PARAMIKO = Sdist("paramiko", "5.1.0", "239b5f9b2a53006cd54f83cf8495ee742083708ead947882c8dd2786de79f39b")
FALCON = Sdist("falcon", "4.4.0", "9f3ffbddc8baed4573295642eddb18a37eea37baba9f20c5be379c8b3d3d79e6")
SCRAPY = Sdist("scrapy", "2.19.0", "34130726582b64c91531162ab277c4053e558876d49ba219cb43679e71d80a87")
TINYDB = Sdist("tinydb", "4.9.0", "6928b1fa785186bda7952a0ba05aaeedc883ede565ca9c7d608de44e5e75de70")
