"""Install the lowest version that ``pyproject.toml`` allows of every run-time dependency, into this environment."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def lowest(root: Path = ROOT) -> list[str]:
    """The dependencies of the core and of the extra ``runtime``, each as ``name==lower bound``.

    Raises ValueError for one that has no lower bound.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = []
    for requirement in [*project["dependencies"], *project["optional-dependencies"]["runtime"]]:
        match = re.fullmatch(r"([\w.-]+)>=([\w.]+)", requirement)
        if match is None:
            raise ValueError(f"pyproject.toml: {requirement!r} has no plain lower bound (name>=version)")
        pins.append(f"{match[1]}=={match[2]}")
    return pins


if __name__ == "__main__":
    pins = lowest()
    print("lowest versions:", *pins)
    sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", *pins]))
