"""Show the tools at work on a copy of ``examples/``: report, counts, difference, fix, and what is left.

The copy is made in the system's folder for temporary files, so that the checkout stays as it is.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from codemods.edits import Reason

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
FIX = ("python", "-m", "codemods.safe_executor", "--allow-dirty")
NAME = ("python", "-m", "codemods.get_port", "--allow-dirty")
# The examples hold a file that does not parse on purpose: 2 is the right answer as long as it is there.
STEPS: tuple[tuple[str, tuple[str, ...], tuple[int, ...]], ...] = (
    ("What is there?", ("unsnarl", "check", "."), (2,)),
    ("How much of it?", ("unsnarl", "metrics", "."), (2,)),
    ("What would be rewritten, and what declined?", (*FIX, "--diff", "."), (1, 2)),
    ("Rewrite it (there is no version control in the copy, hence --allow-dirty).", (*FIX, "."), (1, 2)),
    ("A second run changes nothing.", (*FIX, "--check", "."), (1, 2)),
    ("Who binds which port, and who connects?", ("unsnarl", "ports", "."), (0,)),
    ("What would the port registry be, and who would ask it?", (*NAME, "--diff", "."), (1, 2)),
    ("Give the ports their names.", (*NAME, "."), (2,)),
    ("What is left?", ("unsnarl", "check", "."), (2,)),
    ("How did the counts move?", ("unsnarl", "metrics", "--plot", "."), (2,)),
)


E903 = """\
E903 is what is left of an E900 where nobody can tell what the block raises: its SafeExecutor goes on recovering from
Exception, as the handler did, and the rule keeps the place in sight. Next: let production tell which errors come by
there (UNSNARL_EVIDENCE=FILE in the service's environment), and name them in `recoverable=`. `unsnarl explain E903`."""


def conclusion(tree: Path) -> str:
    """What is left in the rewritten ``tree`` and what to do about it, place by place."""
    words = (sys.executable, *FIX[1:], "--check", "--format", "json", "--quiet", ".")
    report = json.loads(subprocess.run(words, cwd=tree, capture_output=True, check=False).stdout)
    lines = [E903, "", "Declined, and as it was (`--unsafe` makes those that need it; the others are for you to mend):"]
    for one in report["declined"]:
        here = f" Here: {one['detail']}." if "detail" in one else ""
        lines += [f"  {one['path']}:{one['line']}: {Reason(one['reason']).meaning}{here}"]
    lines += ["", "Failed, and never changed (mend the file, then run again):"]
    lines += [f"  {one['path']}:{one['line']}: {one['message']}" for one in report["failed"]]
    return "\n".join(lines)


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
    print(f"\n## And now?\n{conclusion(tree)}")
    print(f"\nThe rewritten copy is in {tree}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
