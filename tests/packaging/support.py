"""Running commands as a user would, with no variable of the test run's own environment leaking in."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_OFFLINE = ("Failed to establish a new connection", "Temporary failure in name resolution", "Network is unreachable")


def run(*command: str | Path, cwd: Path, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
    """Run ``command`` and keep what it says. Fails the test on a status other than 0 unless ``check`` is false."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "PYTHON", "VIRTUAL_ENV", "COV_"))}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, env={**clean, **env}, check=False
    )
    if check and done.returncode != 0:
        said = done.stdout + done.stderr
        if any(sign in said for sign in _OFFLINE):
            pytest.skip("the package index cannot be reached")
        pytest.fail(f"{' '.join(map(str, command))} ended with {done.returncode}\n{said}")
    return done
