"""Every example of every codemod: the laws of a rewrite, one test each."""

from __future__ import annotations

import io
import tokenize
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from analysis.discovery import Discovery
from analysis.project import Project
from analysis.reading import analyse
from analysis.source import Source
from codemods.codemod import Codemod, TreeCodemod, load, names
from codemods.edits import Example, SkipReason
from codemods.engine import Engine
from codemods.outcome import Answer
from config.settings import Settings

CODEMODS = [load(name) for name in names()]
REWRITTEN = [
    pytest.param(one, example, id=f"{one.name}-{example.title}")
    for one in CODEMODS
    for example in one.examples
    if example.after is not None
]
DECLINED = [
    pytest.param(one, example, id=f"{one.name}-{example.title}")
    for one in CODEMODS
    for example in one.examples
    if example.declined is not None
]


def run(
    codemod: Codemod, text: str | bytes, options: Any, folder: Path, name: str = "example.py"
) -> tuple[bytes, list[Answer]]:
    """What the codemod makes of ``text`` as the one file of a project."""
    data = text.encode() if isinstance(text, str) else text
    given = {"unsafe": False, **options}
    engine = Engine(codemod, Settings(), given)
    # Some look at the other files of the tree, and at this one among them.
    (folder / name).write_bytes(data)
    facts = analyse(Source.from_bytes(data, folder / name), engine.collectors, name)
    assert facts.fault is None, facts.fault
    project = Project(folder, Discovery(folder), 1, False)
    project.files = {name: facts}
    prepared = codemod.prepare(project, engine.settings, given)
    answers, new, _ = engine.run(Source.from_bytes(data, folder / name), facts, prepared.get(name))
    return new, list(answers)


def comments(data: bytes) -> Counter[str]:
    return Counter(
        token.string.rstrip()
        for token in tokenize.tokenize(io.BytesIO(data).readline)
        if token.type == tokenize.COMMENT
    )


def test_every_codemod_is_found_and_has_examples_of_both_kinds() -> None:
    assert "safe_executor" in names()
    for one in CODEMODS:
        assert one.name in names()
        assert one.summary.endswith(".")
        made = one.trees if isinstance(one, TreeCodemod) else one.examples
        assert any(example.after for example in made)
        assert any(example.declined is not None for example in made)
        for example in made:
            assert bool(example.after) != (example.declined is not None), example.title
        titles = Counter(example.title for example in made)
        assert titles == Counter(set(titles))


@pytest.mark.parametrize(("codemod", "example"), REWRITTEN)
class TestRewritten:
    def test_the_result_is_the_one_shown(self, codemod: Codemod, example: Example, tmp_path: Path) -> None:
        new, answers = run(codemod, example.before, example.options, tmp_path)
        assert new.decode() == example.after
        assert any(one.verdict in ("rewritten", "narrowed") for one in answers)

    def test_it_compiles(self, codemod: Codemod, example: Example, tmp_path: Path) -> None:
        assert example.after is not None
        compile(example.after, "example.py", "exec", dont_inherit=True)

    def test_a_second_run_changes_nothing(self, codemod: Codemod, example: Example, tmp_path: Path) -> None:
        assert example.after is not None
        new, answers = run(codemod, example.after, example.options, tmp_path)
        assert new.decode() == example.after
        assert {one.verdict for one in answers} <= {"declined", "skipped"}

    def test_comments_are_kept(self, codemod: Codemod, example: Example, tmp_path: Path) -> None:
        assert example.after is not None
        assert not comments(example.before.encode()) - comments(example.after.encode())

    def test_a_noqa_keeps_it_as_it_is(self, codemod: Codemod, example: Example, tmp_path: Path) -> None:
        _, answers = run(codemod, example.before, example.options, tmp_path)
        lines = example.before.splitlines(keepends=True)
        for one in answers:
            head, _, _ = lines[one.line - 1].rstrip("\n").partition("  #")
            lines[one.line - 1] = f"{head}  # noqa: {one.code} as it is\n"
        silenced = "".join(lines)
        new, answers = run(codemod, silenced, example.options, tmp_path)
        assert new.decode() == silenced
        assert answers
        assert {(one.verdict, one.reason) for one in answers} == {("skipped", SkipReason.NOQA.value)}

    @pytest.mark.parametrize("newline", ["\r\n", "\r"])
    def test_line_ends_are_kept(self, codemod: Codemod, example: Example, tmp_path: Path, newline: str) -> None:
        assert example.after is not None
        new, _ = run(codemod, example.before.replace("\n", newline), example.options, tmp_path)
        assert new.decode() == example.after.replace("\n", newline)

    def test_a_mark_and_a_cookie_are_kept(self, codemod: Codemod, example: Example, tmp_path: Path) -> None:
        assert example.after is not None
        cookie = "# coding: utf-8\n"
        new, _ = run(codemod, b"\xef\xbb\xbf" + (cookie + example.before).encode(), example.options, tmp_path)
        assert new.startswith(b"\xef\xbb\xbf" + cookie.encode())
        assert new.decode("utf-8-sig").removeprefix(cookie).lstrip("\n") == example.after

    def test_it_is_the_same_one_level_deeper(self, codemod: Codemod, example: Example, tmp_path: Path) -> None:
        """In a function of its own, with the import where it goes in a file."""
        assert example.after is not None
        if '"""' in example.before or "'''" in example.before or "import *" in example.before:
            pytest.skip("its strings or star imports mean something else inside a function")
        inside = "def outer():\n" + "".join(
            f"    {line}" if line.strip() else line for line in example.before.splitlines(True)
        )
        try:
            compile(inside, "example.py", "exec", dont_inherit=True)
        except SyntaxError:
            pytest.skip("it is no function body")
        new, answers = run(codemod, inside, example.options, tmp_path)
        compile(new, "example.py", "exec", dont_inherit=True)
        again, _ = run(codemod, new, example.options, tmp_path)
        assert again == new
        assert not comments(inside.encode()) - comments(new)
        assert answers


@pytest.mark.parametrize(("codemod", "example"), DECLINED)
class TestDeclined:
    def test_it_is_left_alone_and_the_reason_given(self, codemod: Codemod, example: Example, tmp_path: Path) -> None:
        new, answers = run(codemod, example.before, example.options, tmp_path)
        assert new.decode() == example.before
        assert example.declined is not None
        assert example.declined.value in {one.reason for one in answers if one.verdict == "declined"}
        assert {one.verdict for one in answers} <= {"declined", "skipped"}

    def test_its_reason_is_explained(self, codemod: Codemod, example: Example, tmp_path: Path) -> None:
        assert example.declined is not None
        assert example.declined.meaning.endswith(".")


def test_every_reason_is_explained_once() -> None:
    from codemods.edits import Reason

    assert len({one.meaning for one in Reason}) == len(Reason)
