"""The pages are what the generator writes, their links lead somewhere, and every code is told of, no more, no fewer."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from linters import rule
from tools import docs, text
from tools.scaffold import FOREIGN

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "examples" / "README.md"])
# Of other linters, in lists of neighbours and in what is told about them.
NEIGHBOURS = {code for one in rule.kinds().values() for code in one.neighbours}
CODES = set(rule.kinds())


def test_generated_pages_are_what_the_generator_writes() -> None:
    made = docs.pages()
    assert docs.stale(made) == []
    kept = {path: (docs.DOCS / path).read_text("utf-8") if (docs.DOCS / path).exists() else None for path in made}
    assert {path for path in made if kept[path] != made[path]} == set(), "run `make docs`"


def test_check_tells_a_page_that_was_changed_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    monkeypatch.setattr(docs, "DOCS", folder)
    assert docs.main([]) == 0
    assert docs.main(["--check"]) == 0
    (folder / "settings.md").write_text("by hand\n")
    (folder / "rules" / "E999.md").write_text("of a rule that is gone\n")
    capsys.readouterr()
    assert docs.main(["--check"]) == 1
    told = capsys.readouterr()
    assert told.out.splitlines() == ["docs/settings.md: not up to date", "docs/rules/E999.md: of nothing that is there"]
    assert "make docs" in told.err
    assert docs.main([]) == 0
    assert docs.main(["--check"]) == 0


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, made as GitHub makes them."""
    headings = re.findall(
        r"^#+ (.+)$", re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(target)
    assert broken == []


def test_every_page_is_reached_from_the_index() -> None:
    pages = {page.resolve() for page in (ROOT / "docs").rglob("*.md")}
    reached: set[Path] = set()
    coming = [ROOT / "docs" / "README.md"]
    while coming:
        page = coming.pop().resolve()
        if page in pages - reached:
            reached.add(page)
            targets = re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))
            coming += [page.parent / target for target in targets if "://" not in target]
    assert sorted(page.name for page in pages - reached) == []


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_documented_logged_and_tested(code: str) -> None:
    assert (ROOT / "docs" / "rules" / f"{code}.md").is_file()
    assert code in (ROOT / "docs" / "rules" / "README.md").read_text("utf-8")
    assert re.search(rf"\b{code}\b", (ROOT / "CHANGELOG.md").read_text("utf-8"))
    kind = rule.kinds()[code]
    assert any(code in [found for _, found in example.flagged] for example in kind.examples)
    assert any(not example.flagged for example in kind.examples)
    tests = (path for path in (ROOT / "tests").rglob("test_*.py") if "docs" not in path.parts)
    assert any(code in path.read_text("utf-8") for path in tests)


def test_no_page_names_a_code_that_is_not_there() -> None:
    named = {
        (code, page.relative_to(ROOT).as_posix())
        for page in PAGES
        for code in re.findall(r"\bE9\d\d\b", page.read_text("utf-8"))
    }
    assert {one for one in named if one[0] not in CODES | FOREIGN | NEIGHBOURS} == set()


def test_codes_are_never_pycodestyles_own() -> None:
    assert not CODES & FOREIGN
    entries = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]["flake8.extension"]
    assert all(any(code.startswith(prefix) for prefix in entries) for code in CODES)


def test_changelog_is_for_the_version_that_is_built() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    (first, *_) = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert first == version


def cells(page: Path, head: str) -> list[str]:
    """The lines of the first table on a page that begins with ``head``, without the two on top."""
    _, _, rest = page.read_text("utf-8").partition(f"\n{head}\n")
    return rest.partition("\n\n")[0].splitlines()[1:]


def test_exit_codes_are_told_alike() -> None:
    told = cells(ROOT / "docs" / "commands.md", "| exit code | meaning |")
    assert [line[:4] for line in told] == ["| 0 ", "| 1 ", "| 2 "]
    assert told == cells(ROOT / "README.md", "| code | meaning |")


def test_every_command_and_option_is_told() -> None:
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert "    unsnarl fix CODEMOD [OPTIONS] PATHS…\n" in page
    assert "| [`safe-executor`](codemods/safe_executor.md) |" in page
    assert re.search(r"^\| `--policy` `infer` or `preserve` \| infer: ", page, re.MULTILINE)
    assert "`--top` `N`" in page
    options = re.findall(r"^\| `-.* \| (.*) \|$", page, re.MULTILINE)
    assert options
    assert all(one.strip() for one in options)


def test_no_two_settings_mean_the_same() -> None:
    meanings = [
        line.split(" | ")[3] for line in cells(ROOT / "docs" / "settings.md", "| key | type | default | meaning |")
    ]
    assert len(set(meanings)) == len(meanings)


def test_docstrings_become_markdown() -> None:
    doc = (
        "Says ``x``.\n\n    code = 1\n\n    more\n\n## Example\n```python\nif a:\n\n    ``b``\n```\nEnd.\n\n"
        "Raises:\n    OSError: it is\n        ``gone``.\n    ValueError: it is bad.\n\nMore."
    )
    assert text.markdown(doc) == (
        "Says `x`.\n\n```python\ncode = 1\n\nmore\n```\n\n## Example\n```python\nif a:\n\n    ``b``\n```\nEnd.\n\n"
        "**Raises**\n\n- `OSError`: it is `gone`.\n- `ValueError`: it is bad.\n\nMore."
    )


def test_signatures_are_as_written() -> None:
    def called(
        a: int, /, b: str | None = None, *rest: int, c: type = ValueError, d: tuple[type, ...] = (OSError,)
    ) -> None:
        raise AssertionError

    assert text.signature("called", called) == (
        "called(a: int, /, b: str | None = None, *rest: int, c: type = ValueError, "
        "d: tuple[type, ...] = (OSError,)) -> None"
    )


def test_meanings_are_read_by_field() -> None:
    doc = "A struct. ``a``: the first,\nat length.\n``b`` and ``c``: two\n\n``d`` is not told so."
    assert text.meanings(doc) == {
        "a": "The first, at length.",
        "b": "Two.",
        "c": "Two.",
        "d": "Is not told so.",
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, "none"), (True, "true"), ("a", '"a"'), (("a", 1), '["a", 1]'), ({"k": [False]}, "{k = [false]}")],
)
def test_values_are_written_as_toml(value: object, written: str) -> None:
    assert text.toml(value) == written
