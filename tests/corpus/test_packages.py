"""What is found and done in releases of other projects, against what was found and done before.

The counts are in ``counts.json``. A change in them is not wrong by itself: look at what is new, then write the counts
anew with ``--regen`` and let the review see the difference.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.trees import broken, codemod, command, contents
from tools.sdist import DOCUTILS, HUEY, KOMBU, PASTE, PYFTPDLIB, SUPERVISOR, TORNADO, Sdist, Unavailable

COUNTS = Path(__file__).with_name("counts.json")
PACKAGES = (DOCUTILS, HUEY, KOMBU, PASTE, PYFTPDLIB, SUPERVISOR, TORNADO)


@pytest.mark.network
@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_the_counts_are_what_they_were(package: Sdist, tmp_path: Path, regenerate: bool) -> None:
    try:
        archive = package.fetch(tmp_path / "download")
    except Unavailable as error:
        pytest.skip(str(error))
    counts = {policy: counted(package, archive, tmp_path / policy) for policy in ("infer", "preserve")}
    if regenerate:
        stored = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
        stored[package.pin] = counts
        COUNTS.write_text(json.dumps(stored, indent=2, sort_keys=True) + "\n")
        return
    assert counts == json.loads(COUNTS.read_text())[package.pin], "see the top of this file"


def counted(package: Sdist, archive: Path, folder: Path) -> dict[str, Any]:
    """Rewrite the package with the policy that ``folder`` is named after, and count."""
    tree = package.unpack(archive, folder)
    before = contents(tree)
    _, report = codemod(tree, "--policy", folder.name)
    assert list(broken(before, contents(tree))) == []
    _, left, _ = command("unsnarl", "check", "--select", "E9", str(tree), cwd=tree)
    return {
        "files": len(before),
        "changed": len(report["changed"]),
        "rewritten": len(report["rewritten"]),
        "narrowed": len(report["narrowed"]),
        "declined": Counter(one["reason"] for one in report["declined"]),
        "left": Counter(one["code"] for one in left["findings"]),
    }
