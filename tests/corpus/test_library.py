"""The standard library and what is installed: thousands of files that nobody wrote with the codemod in mind.

A fixed sample of the standard library is gone through in every run. ``UNSNARL_CORPUS=all`` takes every file of it and
of the packages that are installed, which takes some minutes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.corpus.trees import broken, codemod, command, comments, compiles, contents, copy, library, sample

# One process makes the trees, for all tests here.
pytestmark = pytest.mark.xdist_group("library")

FILES = 120
SEED = 20


class Rewritten(NamedTuple):
    tree: Path
    before: dict[str, bytes]
    after: dict[str, bytes]
    code: int
    report: dict[str, Any]
    options: list[str]


@pytest.fixture(scope="module", params=["preserve", "infer", "unsafe"])
def rewritten(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rewritten:
    tree = tmp_path_factory.mktemp("library") / "tree"
    if os.environ.get("UNSNARL_CORPUS") == "all":
        copy(library(installed=True), tree)
    else:
        copy(sample(library(installed=False), FILES, SEED), tree)
    before = contents(tree)
    options = ["--unsafe"] if request.param == "unsafe" else ["--policy", request.param]
    code, report = codemod(tree, *options)
    return Rewritten(tree, before, contents(tree), code, report, options)


def test_no_file_is_harmed(rewritten: Rewritten) -> None:
    assert list(broken(rewritten.before, rewritten.after)) == []


def test_a_good_part_is_rewritten(rewritten: Rewritten) -> None:
    changed = {name for name, data in rewritten.before.items() if rewritten.after[name] != data}
    assert changed == set(rewritten.report["changed"])
    assert len(changed) >= 20
    failed = {one["path"] for one in rewritten.report["failed"]}
    assert failed == {name for name, data in rewritten.before.items() if not compiles(data)}
    done = len(rewritten.report["rewritten"]) + len(rewritten.report["narrowed"])
    assert done >= 40


def test_a_second_run_changes_nothing(rewritten: Rewritten) -> None:
    assert codemod(rewritten.tree, "--check", *rewritten.options)[1]["changed"] == []
    assert contents(rewritten.tree) == rewritten.after


def test_what_is_still_reported_is_what_was_declined(rewritten: Rewritten) -> None:
    _, report, _ = command("unsnarl", "check", "--select", "E900", str(rewritten.tree), cwd=rewritten.tree)
    found: dict[str, int] = {}
    for one in report["findings"]:
        found[one["path"]] = found.get(one["path"], 0) + 1
    declined: dict[str, int] = {}
    for one in rewritten.report["declined"]:
        declined[one["path"]] = declined.get(one["path"], 0) + 1
    assert found == declined


def test_comments_are_told_apart() -> None:
    assert comments(b"x = 1  # a\n") != comments(b"x = 1  # b\n")
    assert list(broken({"a": b"x = 1  # a\n"}, {"a": b"x = 1\n"})) == [
        "a has other comments: Counter({'# a': 1}), Counter()"
    ]
    assert list(broken({"a": b"x = 1\n"}, {"a": b"x = (\n"})) == ["a compiled, and does not any more"]
