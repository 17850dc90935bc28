"""Begin a new rule: ``python -m tools.scaffold E910 literal-port`` writes ``linters/literal_port.py`` and a line in the
changelog. What is left to fill in is marked, and the suite fails until it is.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from linters.rule import kinds

ROOT = Path(__file__).resolve().parent.parent
MARK = "FILL IN"
# pycodestyle's own.
FOREIGN = {"E901", "E902", "E999"}

TEMPLATE = '''\
"""{code}: {words}."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from analysis.walk import Collector
from linters.rule import Example, Facts, Finding, Rule


class {class_name}(Rule):
    """{mark}: the pattern, in one sentence.

    ## What it flags
    {mark}

    ## Why it matters
    {mark}

    ## Example
    ```python
    {mark}
    ```

    ## Better
    ```python
    {mark}
    ```

    ## When it is left alone
    - {mark}; say "missed alarm" where it should not be.

    ## Options
    None.

    ## References
    - {mark}
    """

    code: ClassVar[str] = "{code}"
    name: ClassVar[str] = "{name}"
    message: ClassVar[str] = "{mark}"
    since: ClassVar[str] = "{since}"
    examples: ClassVar[tuple[Example, ...]] = (
        Example("{mark}: clean", "pass\\n"),
        Example("{mark}: flagged", "pass  # <{code}>\\n"),
    )

    def collectors(self) -> tuple[type[Collector], ...]:
        """{mark}: the topics that ``check`` reads; a new one is a module in analysis/collectors."""
        return ()

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Yield {mark}."""
        yield from ()
'''


class Refused(ValueError):
    """The rule cannot be begun; the message says why."""


def scaffold(code: str, name: str, root: Path = ROOT) -> Path:
    """Write the module of a new rule below ``root`` and its line in the changelog; return the module's path.

    Raises Refused for a code or a name that is taken or cannot be one.
    """
    known = kinds()
    if not re.fullmatch(r"E9\d\d", code) or code in FOREIGN:
        raise Refused(
            f"{code} cannot be a code of ours: it is E9 and two digits, and none of {', '.join(sorted(FOREIGN))}"
        )
    if code in known:
        raise Refused(f"{code} is {known[code].name} already")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise Refused(f"{name} is not kebab case, such as literal-port")
    path = root / "linters" / f"{name.replace('-', '_')}.py"
    if path.exists():
        raise Refused(f"linters/{path.name} exists already")
    words = name.replace("-", " ")
    changelog = root / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    newest = re.search(r"^## (\d+\.\d+).*\n\n", text, re.MULTILINE)
    if newest is None:
        raise Refused("CHANGELOG.md has no heading of a version")
    class_name = words.title().replace(" ", "")
    module = TEMPLATE.format(code=code, name=name, words=words, class_name=class_name, since=newest[1], mark=MARK)
    path.write_text(module, encoding="utf-8")
    line = f"- {code} ({words}): {MARK}.\n"
    changelog.write_text(text[: newest.end()] + line + text[newest.end() :], encoding="utf-8")
    return path


def main(argv: list[str] | None = None) -> int:
    """The exit code: 0 when the rule was begun, 2 when it cannot be."""
    parser = argparse.ArgumentParser(description="Begin a new rule.")
    parser.add_argument("code", help="E9 and two digits that no rule has, such as E910")
    parser.add_argument("name", help="the pattern it objects to, in kebab case, such as literal-port")
    arguments = parser.parse_args(argv)
    try:
        path = scaffold(arguments.code, arguments.name)
    except Refused as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    print(f"{path.relative_to(ROOT)}: fill in what is marked, then `make docs` and `make test`")
    return 0


if __name__ == "__main__":
    sys.exit(main())
