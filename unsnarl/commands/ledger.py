"""``unsnarl ledger``: what became of every file of a tree."""

from __future__ import annotations

import sys
from typing import Any

import click

from analysis.words import plural
from unsnarl.files import deliver, refuse_source
from unsnarl.options import config_option, format_option, jobs_option, no_cache_option, paths_argument
from unsnarl.report import printable
from unsnarl.session import Session, say


@click.command()
@paths_argument
@format_option
@click.option("--no-compile", is_flag=True, help="Only parse; do not ask the compiler about what parses.")
@click.option("--output-file", metavar="FILE", help="Write the ledger there, not to stdout.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 also when something is wrong with a file.")
@jobs_option
@no_cache_option
@config_option
def command(paths: tuple[str, ...], **options: Any) -> None:
    """Account for every file in PATHS: analysed, uncompilable, unparseable, unreadable or excluded, and why.

    Exits with 0 when every file that was not excluded compiles, 1 when one does not or cannot be read, 2 when the job
    could not be done.
    """
    from analysis import ledger
    from unsnarl.progress import Progress

    refuse_source(options["output_file"], paths)
    session = Session(paths, options["config"])
    project = session.project((), jobs=options["jobs"], cache=not options["no_cache"], ignored=True)
    with Progress("compiling") as progress:
        account = ledger.ledger(project, not options["no_compile"], progress)
    if options["style"] == "json":
        import json

        # In ASCII a file name that is not UTF-8 comes through as it is.
        text = json.dumps(ledger.document(account), indent=2) + "\n"
    else:
        text = "".join(f"{printable(line)}\n" for line in ledger.text(account))
    deliver(text, options["output_file"])
    faults = len(account.faults) + len(account.uncompilable)
    sound = len(account.analysed) - len(account.uncompilable)
    verb = ("parses", "parse") if options["no_compile"] else ("compiles", "compile")
    compiling = plural(sound, f"file {verb[0]}", f"files {verb[1]}")
    say(f"{compiling}, {plural(faults, 'does not or cannot', 'do not or cannot')} be read.")
    sys.exit(1 if faults and not options["exit_zero"] else 0)
