"""``unsnarl metrics``: count what is left, and keep the counts."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from analysis.words import plural
from unsnarl import history
from unsnarl.files import deliver
from unsnarl.history import Counts, Record
from unsnarl.options import config_option, format_option, jobs_option, no_cache_option, paths_argument
from unsnarl.report import Report
from unsnarl.session import Session, say
from unsnarl.trouble import Trouble


@click.command()
@paths_argument
@click.option("--history", "given", metavar="FILE", help="Where counts are kept; else what the settings say.")
@click.option("--no-record", is_flag=True, help="Do not add this run to the history.")
@click.option("--plot", is_flag=True, help="Draw the history of each rule in the terminal.")
@click.option("--svg", metavar="FILE", help="Draw the history as an SVG; `-` is stdout, without the counts.")
@click.option("--csv", "table", metavar="FILE", help="Write the history as a table; `-` is stdout, without the counts.")
@format_option
@click.option("--exit-zero", is_flag=True, help="Exit with 0 also when something is left.")
@jobs_option
@no_cache_option
@config_option
def command(paths: tuple[str, ...], **options: Any) -> None:
    """Print the number of findings in PATHS per rule, and add it to the history unless nothing changed.

    Exits with 0 when nothing is left, silenced findings apart; 1 when something is, baselined or not; 2 when a file
    could not be analysed or the job could not be done.
    """
    drawn = (options["svg"], options["table"]).count("-")
    if drawn == 2 or (drawn and options["plot"]):
        raise Trouble("of --plot, --svg - and --csv - only one can go to stdout")
    session = Session(paths, options["config"])
    file = session.baseline_file(None)
    report, _ = session.check(session.rules(), file, jobs=options["jobs"], cache=not options["no_cache"])
    record = measure(report, session)
    kept = Path(options["given"]) if options["given"] is not None else session.root / session.settings.history
    records = keep(kept, record, not options["no_record"])
    if not drawn:
        sys.stdout.write(table_of(record) if options["style"] == "text" else _json(record))
    if options["plot"]:
        from unsnarl.output.plot import sparklines

        width = max(10, shutil.get_terminal_size().columns - 30)
        sys.stdout.write("\n" + sparklines(records, width))
    sys.stdout.flush()
    if options["svg"] is not None:
        from unsnarl.output.plot import svg

        deliver(svg(records), options["svg"])
    if options["table"] is not None:
        deliver(history.to_csv(records), options["table"])
    left = sum(counts.left for counts in record.rules.values())
    where = "not recorded" if options["no_record"] else f"{plural(len(records), 'run')} in {kept}"
    say(f"{plural(left, 'finding')} left in {plural(record.files, 'file')}; {where}.")
    if report.unaccepted:
        say(f"{plural(len(report.unaccepted), 'file')} could not be analysed.")
        sys.exit(2)
    sys.exit(1 if left and not options["exit_zero"] else 0)


def measure(report: Report, session: Session) -> Record:
    """The counts of a run. Stale entries of the baseline count for nothing: they are not in the code."""
    findings = Counter(one.code for one in report.findings)
    silenced = Counter(one.code for one, _ in report.silenced)
    baselined = Counter(one.code for one in report.known)
    commit, changed = _commit(session.root)
    return Record(
        time=datetime.now(UTC).replace(microsecond=0),
        commit=commit,
        changed=changed,
        paths=tuple(sorted({session.name(path) for path in session.paths})),
        files=report.analysed,
        unparseable=len(report.broken),
        rules={
            rule.code: Counts(findings[rule.code], silenced[rule.code], baselined[rule.code]) for rule in report.rules
        },
    )


def keep(file: Path, record: Record, add: bool) -> list[Record]:
    """Add ``record`` to the history in ``file`` when asked to and new; return its series, with ``record`` at the end.

    Raises Trouble.
    """
    try:
        records, bad = history.read(file)
        for number in bad:
            say(f"{file}:{number}: is no record of a run; left as it is and not counted")
        own = history.series(records, record.paths)
        if own and own[-1].same(record):
            return own
        if add:
            history.append(file, record)
    except OSError as error:
        raise Trouble(f"{file}: the history cannot be kept: {error.strerror}") from None
    return [*own, record]


def table_of(record: Record) -> str:
    """The counts for people."""
    from linters.rule import kinds

    names = {code: rule.name for code, rule in kinds().items()}
    head = ("rule", "", "findings", "baselined", "silenced")
    rows = [
        (code, names.get(code, ""), f"{one.findings:,}", f"{one.baselined:,}", f"{one.silenced:,}")
        for code, one in record.rules.items()
    ]
    rows.append(("", "unparseable files", f"{record.unparseable:,}", "", ""))
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(5)]
    return "".join(
        f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}"
        f"  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}  {row[4]:>{widths[4]}}".rstrip()
        + "\n"
        for row in [head, *rows]
    )


def _json(record: Record) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(record), indent=2).decode() + "\n"


def _commit(root: Path) -> tuple[str | None, bool]:
    """The commit that is checked out at ``root``, and whether tracked files differ from it; None without git."""
    try:
        head = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
        if head.returncode:
            return None, False
        differs = subprocess.run(
            ["git", "-C", root, "diff", "--quiet", "HEAD", "--", "*.py", "*.pyw"], capture_output=True, check=False
        )
    except OSError:
        return None, False
    return head.stdout.strip(), differs.returncode != 0
