"""Without git, the same files are found as git would list."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from unittest import mock

from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis.discovery import discover

PARTS = ["a", "b", "out", "x.py", "y.py", "z.gen.py"]
FOLDERS = ["", "a/", "b/", "a/out/", "out/", "a/b/"]
piece = st.sampled_from(["a", "b", "out", "x.py", "*.py", "*", "?", "**", "[xy].py", "z*", "*.gen.py", "\\x.py", "#a"])
pattern = st.builds(
    lambda negated, anchor, pieces, folder: negated + anchor + "/".join(pieces) + folder,
    st.sampled_from(["", "", "", "!"]),
    st.sampled_from(["", "", "/"]),
    st.lists(piece, min_size=1, max_size=3),
    st.sampled_from(["", "", "/"]),
)
rules = st.dictionaries(st.sampled_from(FOLDERS), st.lists(pattern, min_size=1, max_size=4), max_size=3)


@settings(max_examples=60, deadline=None)
@given(rules, st.sampled_from(FOLDERS))
@example({"": ["x.py"], "a/": ["a", "!b"]}, "")
def test_the_walk_finds_what_git_lists(rules: dict[str, list[str]], named: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for place in FOLDERS:
            (root / place).mkdir(parents=True, exist_ok=True)
            for name in ("x.py", "y.py", "z.gen.py"):
                (root / place / name).touch()
        for place, lines in rules.items():
            (root / place / ".gitignore").write_text("\n".join(lines) + "\n")
        subprocess.run(["git", "init", "-q", folder], check=True)
        listed = list(discover([root / named], root).files)
        # A named folder that is ignored as a whole is walked in both cases.
        with mock.patch("analysis.gitfiles._git", return_value=None):
            assert list(discover([root / named], root).files) == listed
        shutil.rmtree(root / ".git")
        assert list(discover([root / named], root).files) == listed
