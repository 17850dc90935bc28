"""Show the tools at work on a copy of ``examples/``: report, counts, difference, fix, and what is left.

The copy is made in the system's folder for temporary files, so that the checkout stays as it is.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
FIX = ("python", "-m", "codemods.safe_executor", "--allow-dirty")
# The examples hold a file that does not parse on purpose: 2 is the right answer as long as it is there.
STEPS: tuple[tuple[str, tuple[str, ...], tuple[int, ...]], ...] = (
    ("What is there?", ("unsnarl", "check", "."), (2,)),
    ("How much of it?", ("unsnarl", "metrics", "."), (2,)),
    ("What would be rewritten, and what declined?", (*FIX, "--diff", "."), (1, 2)),
    ("Rewrite it (there is no version control in the copy, hence --allow-dirty).", (*FIX, "."), (1, 2)),
    ("A second run changes nothing.", (*FIX, "--check", "."), (1, 2)),
    ("What is left?", ("unsnarl", "check", "."), (2,)),
    ("How did the counts move?", ("unsnarl", "metrics", "--plot", "."), (2,)),
)


def main() -> int:
    """The exit code: 0 when every step ended as it should, 2 when one did not."""
    tree = Path(tempfile.mkdtemp(prefix="unsnarl-demo-")) / "examples"
    shutil.copytree(EXAMPLES, tree, ignore=shutil.ignore_patterns("__pycache__", ".unsnarl*"))
    for title, command, expected in STEPS:
        print(f"\n## {title}\n$ {' '.join(command)}", flush=True)
        words = command[1:] if command[0] == "python" else ("-m", *command)
        code = subprocess.call([sys.executable, *words], cwd=tree)
        if code not in expected:
            print(f"this ended with {code}, which it must not", file=sys.stderr)
            return 2
    print(f"\nThe rewritten copy is in {tree}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
