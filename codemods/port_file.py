"""Whether the registry of ports can be made where a tree has none yet."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from typing import Any

from analysis.discovery import FOREIGN

_FOUND_ALONE = "packages", "py-modules", "package-dir"


def objection(root: Path, file: Path) -> str:
    """Why a new registry at ``file`` would do harm to the tree at ``root``; empty when it would not."""
    folder = file.parent
    if folder.exists() and not folder.resolve().is_relative_to(root.resolve()):
        return f"{folder} is a link to {folder.resolve()}, outside of the tree: the registry would not be part of it"
    if _ignored(root, file):
        shown = file.relative_to(root).as_posix()
        return (
            f"git ignores {shown}: the program would run here and fail in every clone. "
            f"Let git see it: a line `!{shown}` in .gitignore, behind `!{folder.name}/` where the folder is ignored"
        )
    beside = _found_by_setuptools(root) if not folder.exists() else ""
    if beside:
        return (
            f"a new folder `{folder.name}` beside `{beside}` would stop setuptools from finding packages by itself. "
            f'Say `packages = ["{beside}"]` under [tool.setuptools] in pyproject.toml first'
        )
    return ""


def _ignored(root: Path, file: Path) -> bool:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "check-ignore", "-q", "--", str(file)], check=False, capture_output=True
        )
    except OSError:
        return False
    return done.returncode == 0


def _found_by_setuptools(root: Path) -> str:
    """The package that setuptools finds at the root of a tree whose settings name none; empty where they do.

    See <https://setuptools.pypa.io/en/latest/userguide/package_discovery.html>: of several it refuses to choose.
    """
    try:
        project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ""
    backend = project.get("build-system", {}).get("build-backend", "setuptools.build_meta")
    own = project.get("tool", {}).get("setuptools", {})
    if "project" not in project or not str(backend).startswith("setuptools") or any(one in own for one in _FOUND_ALONE):
        return ""
    for name in ("setup.cfg", "setup.py"):
        if (root / name).exists() and "packages" in (root / name).read_text(encoding="utf-8", errors="replace"):
            return ""
    if (root / "src").is_dir():
        return ""
    found = (one.parent.name for one in sorted(root.glob("*/__init__.py")))
    return next((name for name in found if name.isidentifier() and name not in (*FOREIGN, "tests", "docs")), "")
