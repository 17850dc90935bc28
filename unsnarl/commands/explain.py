"""``unsnarl explain``: the documentation of the rules."""

from __future__ import annotations

import inspect

import click

from linters.rule import TreeRule, kinds
from unsnarl.trouble import Trouble


@click.command()
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """Print the documentation of the rule CODE, or the list of all rules."""
    if code is not None:
        click.echo(document(code))
        return
    for rule in kinds().values():
        click.echo(f"{rule.code}  {rule.name:<28}  {rule.message}")


def document(code: str) -> str:
    """The documentation of one rule. Raises Trouble for a code that there is not."""
    from config.settings import nearest

    known = kinds()
    rule = known.get(code.upper())
    if rule is None:
        raise Trouble(f"unknown rule code `{code}`; {nearest(code.upper(), known)}")
    title = f"# {rule.code} {rule.name}"
    neighbours = f"\n\nSee also: {', '.join(rule.neighbours)} of other linters." if rule.neighbours else ""
    when = "" if rule.default else " Off by default: it runs where it is selected."
    where = " Not in flake8: it looks across files." if issubclass(rule, TreeRule) else ""
    return f"{title}\n\n{inspect.cleandoc(rule.__doc__ or '')}\n\nSince {rule.since}.{when}{where}{neighbours}"
