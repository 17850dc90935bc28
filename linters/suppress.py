"""Suppressions: flake8's ``noqa``, decided by flake8 itself, and E904 and E905 about the comments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

import msgspec

from analysis.collectors.suppressions import Noqa, SuppressionCollector
from analysis.facts import Span
from linters.rule import Comment, Example, Facts, Finding, Rule

_DIRECTIVE = re.compile(r"(?:noqa|pragma|type|nosec|pylint|pyright|ruff|mypy|fmt|isort)\b", re.IGNORECASE)
_CODE = re.compile(r"[A-Z]+[0-9]+", re.IGNORECASE)


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """The findings of one file after its ``noqa`` were applied: ``kept`` and ``silenced``, and the comments."""

    kept: list[Finding]
    silenced: list[Finding]
    comments: list[Comment]


def apply(findings: list[Finding], facts: Facts, codes: Iterable[str]) -> Outcome:
    """Split ``findings``, all of the file of ``facts``, by whether flake8 would show them.

    The comments are those that silenced one of them or that name one of ``codes``.
    """
    noqas: Sequence[Noqa] = facts.records(SuppressionCollector)
    # flake8 is imported only where there is something for it to decide.
    if any(one.first == 0 and _switches_off(one) for one in noqas):
        return Outcome([], findings, [])
    governed = {line: one for one in noqas for line in range(one.first, one.last + 1)}
    kept: list[Finding] = []
    silenced: list[Finding] = []
    by: dict[int, set[str]] = {}
    for finding in findings:
        noqa = governed.get(finding.span.line)
        if noqa is not None and _silences(noqa, finding):
            silenced.append(finding)
            by.setdefault(noqa.first, set()).add(finding.code)
        else:
            kept.append(finding)
    ours = tuple(codes)
    comments = [
        comment
        for one in noqas
        if one.first in by or any(code in remark.text.upper() for remark in one.remarks for code in ours)
        for comment in _comments(one, by.get(one.first, set()))
    ]
    return Outcome(kept, silenced, comments)


def _switches_off(noqa: Noqa) -> bool:
    from flake8.defaults import NOQA_FILE

    return NOQA_FILE.match(noqa.text) is not None


def _silences(noqa: Noqa, finding: Finding) -> bool:
    from flake8.violation import Violation

    place = finding.path, finding.span.line, finding.column
    return bool(Violation(finding.code, *place, finding.message, noqa.text).is_inline_ignored(False))


def _comments(noqa: Noqa, silenced: set[str]) -> Iterator[Comment]:
    from flake8.defaults import NOQA_INLINE_REGEXP

    effective = NOQA_INLINE_REGEXP.search(noqa.text)
    for remark in noqa.remarks:
        own = NOQA_INLINE_REGEXP.search(remark.text)
        if own is None:
            continue
        # flake8 looks no further than the first match in lines that belong together: another comment's or a string's.
        first = effective is not None and remark.start <= effective.start() < remark.start + len(remark.text)
        yield Comment(
            first=noqa.first,
            last=noqa.last,
            line=remark.line,
            col=remark.col,
            column=remark.column,
            text=remark.text,
            scope=remark.scope,
            codes=tuple(one.upper() for one in _CODE.findall(own["codes"] or "")),
            reason=reason(remark.text[: own.start()], remark.text[own.end() :]),
            silenced=tuple(sorted(silenced)) if first else (),
        )


def reason(before: str, after: str) -> str:
    """What the text before and after a ``noqa`` in its comment says, other tools' directives left out."""
    parts = [part.strip(" \t:;,.-\u2013\u2014") for part in (*before.split("#"), *after.split("#"))]
    return " ".join(part for part in parts if part and not _DIRECTIVE.match(part))


def _about(rule: type[Rule], path: str, comment: Comment, message: str) -> Finding:
    end = comment.col + len(comment.text.encode())
    return Finding(
        code=rule.code,
        message=message,
        path=path,
        span=Span(comment.line, comment.col, comment.line, end),
        column=comment.column,
        scope=comment.scope,
        source=" ".join(comment.text.split()),
    )


class SuppressionWithoutReason(Rule):
    """A suppression that does not say why.

    ## What it flags
    With `require-reason = true`: a `noqa` that names one of our codes, with no words beside it in the same comment.

    ## Why it matters
    A year later nobody knows whether the place was thought about or only made quiet.

    ## Example
    ```python
    except Exception:  # noqa: E900
    ```

    ## Better
    ```python
    except Exception:  # noqa: E900 plugins may raise anything, and one must not stop the others
    ```

    ## When it is left alone
    - The words stand before the `noqa` in the same comment, or in a further comment on the line.
    - Another tool's directive (`pragma: no cover`, `type: ignore`) is not a reason.
    - The `noqa` has no codes, or a prefix such as `E9`: it silences this rule too. Missed alarm; see `PGH004`.

    ## Options
    `[tool.unsnarl]`

    - `require-reason` (default `false`): whether this rule is on.

    ## References
    - <https://flake8.pycqa.org/en/latest/user/violations.html>
    """

    code: ClassVar[str] = "E904"
    name: ClassVar[str] = "suppression-without-reason"
    message: ClassVar[str] = "suppression does not say why"
    since: ClassVar[str] = "0.1"
    neighbours: ClassVar[tuple[str, ...]] = ("PGH004",)
    examples: ClassVar[tuple[Example, ...]] = (
        Example("off unless asked for", "try:\n    work()\nexcept Exception:  # noqa: E900\n    pass\n"),
        Example(
            "no words",
            "try:\n    work()\nexcept Exception:  # noqa: E900 # <E904>\n    pass\n",
            {"require-reason": True},
        ),
        Example(
            "no codes silence this rule too",
            "try:\n    work()\nexcept Exception:  # noqa\n    pass\n",
            {"require-reason": True},
        ),
        Example(
            "words after it, before it, or in the next comment",
            "try:\n    work()\nexcept Exception:  # noqa: E900 plugins may raise anything\n    pass\n"
            "try:\n    work()\nexcept Exception:  # plugins may raise anything  # noqa: E900\n    pass\n"
            "try:\n    work()\nexcept Exception:  # noqa: E900  # plugins may raise anything\n    pass\n",
            {"require-reason": True},
        ),
        Example(
            "a directive is no reason",
            "try:\n    work()\nexcept Exception:  # pragma: no cover # noqa: E900 # <E904>\n    pass\n",
            {"require-reason": True},
        ),
    )

    def review(self, path: str, comments: Sequence[Comment], judged: frozenset[str]) -> Iterator[Finding]:
        """Yield each comment about us that has no reason."""
        if self.settings.require_reason:
            for comment in comments:
                ours = sorted(judged.intersection(comment.codes))
                if ours and not comment.reason:
                    yield _about(type(self), path, comment, f"suppression of {', '.join(ours)} does not say why")


class UnusedSuppression(Rule):
    """A suppression that silences nothing.

    ## What it flags
    A `noqa` comment that names one of our codes where that rule has nothing to say, or where flake8 does not look.

    ## Why it matters
    The next broad handler written on that line would be silenced before anyone saw it, and readers take the comment
    for a sign of trouble that is no longer there.

    ## Example
    ```python
    except ValueError:  # noqa: E900
    ```

    ## Better
    ```python
    except ValueError:
    ```

    ## When it is left alone
    - The code is another tool's, a prefix such as `E9`, or of a rule that is not selected or cannot run: one that looks
      across files, in flake8 or on a part of a tree.
    - A `noqa` with no codes: what other tools would say there is not known here.
    - The text is part of a string.

    ## Options
    None.

    ## References
    - <https://flake8.pycqa.org/en/latest/user/violations.html>
    """

    code: ClassVar[str] = "E905"
    name: ClassVar[str] = "unused-suppression"
    message: ClassVar[str] = "suppression silences nothing"
    since: ClassVar[str] = "0.1"
    neighbours: ClassVar[tuple[str, ...]] = ("RUF100",)
    examples: ClassVar[tuple[Example, ...]] = (
        Example("used", "try:\n    work()\nexcept Exception:  # noqa: E900 plugins\n    pass\n"),
        Example("unused", "try:\n    work()\nexcept ValueError:  # noqa: E900 # <E905>\n    pass\n"),
        Example(
            "on the wrong line", "try:  # noqa: E900 # <E905>\n    work()\nexcept Exception:  # <E900>\n    pass\n"
        ),
        Example("another tool's codes", "import os  # noqa: F401, E9, E902\n"),
        Example("one of two", "try:\n    work()\nexcept Exception:  # noqa: E900, E903 # <E905>\n    pass\n"),
        Example("in a string", 'text = "# noqa: E900"\n'),
    )

    def review(self, path: str, comments: Sequence[Comment], judged: frozenset[str]) -> Iterator[Finding]:
        """Yield each comment that names a code of ours for nothing."""
        for comment in comments:
            unused = [one for one in comment.codes if one in judged and one not in comment.silenced]
            if unused:
                yield _about(type(self), path, comment, f"suppression of {', '.join(unused)} silences nothing")
