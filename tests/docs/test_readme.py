"""What the README shows is what the tools do."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_before_and_after_are_what_the_codemod_gives(tmp_path: Path) -> None:
    before, after = blocks("python")[:2]
    assert "except Exception" in before
    assert "except Exception" not in after
    path = tmp_path / "agent.py"
    path.write_text(before, encoding="utf-8")
    command = [sys.executable, "-m", "codemods.safe_executor", "--allow-dirty", "agent.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert path.read_text("utf-8") == after, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_commit_that_pre_commit_is_given_is_there() -> None:
    (rev,) = re.findall(r"^ +rev: (\S+)", README, re.MULTILINE)
    found = subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}"], cwd=ROOT, capture_output=True, check=False
    )
    assert found.returncode == 0 or not (ROOT / ".git").exists()
