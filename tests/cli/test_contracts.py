"""E922 in ``unsnarl check``, as a process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import unsnarl, write

RULES = '[contracts.shop]\nlayers = ["web", "store"]\n'
FILES: dict[str, str | bytes] = {
    "unsnarl.toml": RULES,
    "web.py": "import store\n",
    "store.py": "import util\n",
    "util.py": "x = 1\n\n\ndef page():\n    import web\n",
}
SAID = (
    "store.py:1:1: E922 leads to web.py, which contract `shop` forbids: `store` is below `web` "
    "(store.py:1 imports util.py, util.py:5 imports web.py)\n"
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write(tmp_path, FILES)


def test_a_contract_is_kept_without_being_selected(tree: Path) -> None:
    for _ in range(2):
        done = unsnarl("check", cwd=tree)
        assert (done.returncode, done.stdout) == (1, SAID)
    assert unsnarl("check", "store.py", cwd=tree).stdout == SAID
    assert unsnarl("check", "--ignore=E922", cwd=tree).stdout == ""
    write(tree, {"unsnarl.toml": RULES + "deferred = false\n"})
    assert unsnarl("check", cwd=tree).returncode == 0


def test_a_direct_import_at_its_line(tree: Path) -> None:
    write(tree, {"store.py": "import os\n\nfrom web import page\nimport web  # noqa: E922 until the split\n"})
    done = unsnarl("check", cwd=tree)
    assert done.stdout == "store.py:3:1: E922 imports web.py, which contract `shop` forbids: `store` is below `web`\n"


def test_what_is_not_saved_yet_counts(tree: Path) -> None:
    options = ("--stdin-filename=store.py", "-")
    assert unsnarl("check", *options, cwd=tree, stdin="x = 1\n").stdout == ""
    assert unsnarl("check", *options, cwd=tree, stdin="\nimport util\n").stdout.startswith("store.py:2:1: E922")


def test_the_baseline_holds_what_is_there_and_no_more(tree: Path) -> None:
    unsnarl("baseline", "--accept-new", cwd=tree)
    assert unsnarl("check", cwd=tree).returncode == 0
    write(tree, {"store.py": "import util\n\n\ndef f():\n    import web\n"})
    assert unsnarl("check", cwd=tree).stdout.startswith("store.py:5:5: E922 imports web.py")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'layers = ["web", "stoer"]',
            ':2: `contracts.shop.layers`: "stoer" matches no file of the tree; did you mean `store`?',
        ),
        (
            'layers = ["web", "store"]\nignore = ["util -> store"]',
            ':3: `contracts.shop.ignore`: "util -> store": the tree has no such import that counts',
        ),
        ('layer = ["web", "store"]', ":2: `contracts.shop.layer`: unknown key; did you mean `layers`?"),
    ],
)
def test_a_contract_that_does_not_fit_the_tree(tree: Path, text: str, said: str) -> None:
    write(tree, {"unsnarl.toml": f"[contracts.shop]\n{text}\n"})
    for arguments in (("check",), ("check", "web.py"), ("baseline", "--accept-new"), ("metrics", "--no-record")):
        done = unsnarl(*arguments, cwd=tree)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_there_is_nothing_to_keep_without_a_contract(tree: Path) -> None:
    write(tree, {"unsnarl.toml": "", "store.py": "import web  # noqa: E922\n"})
    assert unsnarl("check", "--select=E905,E922", cwd=tree).returncode == 0
