"""``unsnarl explain``: the documentation of the rules, and of the reasons that codemods give."""

from __future__ import annotations

import inspect

import click

from linters.rule import Rule, TreeRule, kinds
from unsnarl.trouble import Trouble


@click.command()
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """Print the documentation of the rule CODE, what the reason CODE of a codemod means, or the list of all rules."""
    if code is not None:
        click.echo(document(code))
        return
    click.echo("\n".join(map(_line, kinds().values())))


def _line(rule: type[Rule]) -> str:
    return f"{rule.code}  {rule.name:<28}  {rule.message}"


def document(code: str) -> str:
    """The documentation of one rule, or of one reason of a codemod. Raises Trouble for a code that there is not."""
    known = kinds()
    rule = known.get(code.upper())
    if rule is None:
        # What flake8 takes for all codes that begin so.
        several = [one for name, one in known.items() if name.startswith(code.upper())]
        return "\n".join(map(_line, several)) if several else _reason(code)
    title = f"# {rule.code} {rule.name}"
    neighbours = f"\n\nSee also: {', '.join(rule.neighbours)} of other linters." if rule.neighbours else ""
    when = "" if rule.default else " Off by default: it runs where it is selected."
    where = " In flake8 where its code is selected: it looks across files." if issubclass(rule, TreeRule) else ""
    return f"{title}\n\n{inspect.cleandoc(rule.__doc__ or '')}\n\nSince {rule.since}.{when}{where}{neighbours}"


def _reason(word: str) -> str:
    """What a reason in the report of a codemod means. Raises Trouble for a word that is none."""
    # Only now: a rule is explained without the codemods, and this module of theirs does without libcst.
    from codemods.edits import Reason, SkipReason
    from config.settings import nearest

    asked = word.lower()
    meanings = [("left as it was (declined)", one.value, one.meaning) for one in Reason]
    meanings += [("not offered to a codemod (skipped)", one.value, one.meaning) for one in SkipReason]
    found = [f"{meaning}\n\nWhy a finding was {what}." for what, value, meaning in meanings if value == asked]
    if found:
        # One word may stand for both, in the same words.
        return f"# {asked}\n\n" + "\n".join(dict.fromkeys(found))
    if "-" in asked:
        raise Trouble(f"unknown reason `{word}`; {nearest(asked, (value for _, value, _ in meanings))}")
    raise Trouble(f"unknown rule code `{word}`; {nearest(word.upper(), kinds())}")
