"""``unsnarl baseline``: compare a tree with what was agreed, and shrink the agreement."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click

from analysis.words import plural
from linters import baseline
from unsnarl.files import replace
from unsnarl.options import config_option, jobs_option, no_cache_option, paths_argument
from unsnarl.output.text import describe, named
from unsnarl.report import Report, printable
from unsnarl.session import BASELINE, Session, read_baseline, say
from unsnarl.trouble import Trouble


@click.command()
@paths_argument
@click.option("--file", "given", metavar="FILE", help=f"The baseline; else the settings' one, else {BASELINE}.")
@click.option("--update", is_flag=True, help="Drop entries that are no longer found; moved and eased ones follow.")
@click.option("--accept-new", is_flag=True, help="As --update, and add what is not in it yet: the only way it grows.")
@jobs_option
@no_cache_option
@config_option
def command(paths: tuple[str, ...], given: str | None, update: bool, accept_new: bool, **options: Any) -> None:
    """Compare PATHS with the baseline and print what differs.

    An entry is stale when what it stands for is no longer found, moved when that is in another file now, and eased when
    a codemod has rewritten it in its definition into a finding that is less grave: E900 into E903.

    Exits with 0 when they agree, or do after an update; 1 when findings are not in the baseline or entries of it are
    stale; 2 when the job could not be done.
    """
    session = Session(paths, options["config"])
    file = session.baseline_file(given) or session.root / BASELINE
    before: Counter[baseline.Key] = Counter() if accept_new and not file.exists() else read_baseline(file)
    report, held = session.check(
        session.rules(), file, held=before, jobs=options["jobs"], cache=not options["no_cache"]
    )
    assert held is not None
    sys.stdout.write(difference(report, held))
    sys.stdout.flush()
    unreadable = [one for one in report.unaccepted if one.kind in ("unreadable", "crashed")]
    kept = held.shrunk
    if accept_new:
        faults = {one.path: one.kind for one in report.unaccepted if one not in unreadable}
        kept = kept + baseline.count(held.new, faults)
    if update or accept_new:
        write(file, kept)
    new = len(held.new) + len(report.unaccepted) - len(unreadable)
    stale = held.stale.total()
    changed = update or accept_new
    total = kept.total() if changed else before.total()
    eased = f", {len(held.eased):,} eased" if held.eased else ""
    say(
        f"{printable(str(file))}: {plural(total, 'entry', 'entries')}; {stale:,} stale"
        f"{' (dropped)' if stale and changed else ''}, {len(held.moved):,} moved{eased}, {new:,} new"
        f"{' (added)' if new and accept_new else ''}."
    )
    if stale and not changed:
        say("Run `unsnarl baseline --update` to drop what is no longer found.")
    if unreadable:
        raise Trouble(f"{plural(len(unreadable), 'file')} could not be read, {unreadable[0].path} first")
    sys.exit(1 if (new and not accept_new) or (stale and not changed) else 0)


def write(file: Path, kept: Counter[baseline.Key]) -> None:
    """Replace the baseline. Raises Trouble."""
    try:
        replace(file, baseline.render(kept))
    except OSError as error:
        raise Trouble(f"{file}: the baseline cannot be written: {error.strerror}") from None


def difference(report: Report, held: baseline.Match) -> str:
    """What differs, one line each: ``-`` stale, ``>`` moved or eased, ``+`` not in the baseline."""
    lines = [f"- {entry.path}: {describe(entry, number)}" for entry, number in sorted(held.stale.items())]
    lines += [f"> {old.path} -> {new.path}: {named(old)}" for old, new in held.moved]
    lines += [f"> {old.path}: {named(old)} -> {named(new)}" for old, new in held.eased]
    lines += [f"+ {one.path}:{one.span.line}:{one.column}: {one.code} {one.message}" for one in held.new]
    lines += [f"+ {one.path}:{one.line}: {one.kind}: {one.message}" for one in report.unaccepted]
    return "".join(f"{printable(line)}\n" for line in lines)
