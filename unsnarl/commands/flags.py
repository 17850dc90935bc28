"""``unsnarl flags``: which feature flags the code asks for, and which there are."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from analysis.words import plural
from unsnarl.files import deliver, refuse_source
from unsnarl.options import config_option, jobs_option, no_cache_option, paths_argument
from unsnarl.report import printable
from unsnarl.session import Session, say
from unsnarl.trouble import Trouble


@click.command()
@paths_argument
@click.option(
    "--format",
    "style",
    type=click.Choice(("text", "csv", "json")),
    default="text",
    show_default=True,
    help="Output format.",
)
@click.option("--file", "given", metavar="FILE", help="The file of flags; else config/feature_flags.yaml of the tree.")
@click.option("--agent", default="", metavar="NAME", help="Show the values for this agent.")
@click.option("--machine", default="", metavar="NAME", help="Show the values on this machine.")
@click.option("--strict", is_flag=True, help="Exit with 1 also where a flag is unused, or its day is past.")
@click.option("--output-file", metavar="FILE", help="Write the table there, not to stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
@jobs_option
@no_cache_option
@config_option
def command(paths: tuple[str, ...], **options: Any) -> None:
    """Print each feature flag that PATHS ask for or that their tree has: type, values, where it is used, what is wrong.

    A look-up is a call of `flag` that was imported from `runtime.flags`, or from another module whose name ends in
    `flags`. The whole tree is looked at, so that a flag is not called unused because another folder uses it.

    Exits with 0 when every flag that is asked for is there and of that type, 1 when one is not, or has a value for a
    machine that there is not, 2 when the job could not be done.
    """
    from analysis import flags
    from analysis.collectors.flag_lookups import FlagLookupCollector
    from config.flags import FILE, Flags, find, load
    from unsnarl.output import flag_table

    refuse_source(options["output_file"], paths)
    session = Session(paths, options["config"])
    project = session.around((FlagLookupCollector,), jobs=options["jobs"], cache=not options["no_cache"])
    file = Path(options["given"]) if options["given"] is not None else find(session.root)
    known = load(file.absolute()) if file is not None else Flags()
    machines = _machines(session.root)
    if options["machine"] and machines is not None and options["machine"] not in machines:
        from config.documents import hint

        raise Trouble(f"--machine {options['machine']}: no such machine; {hint(options['machine'], machines)}")
    table = flags.table(
        project,
        known,
        today=datetime.now(UTC).date(),
        agent=options["agent"],
        machine=options["machine"],
        machines=machines,
    )
    deliver(flag_table.FORMATS[options["style"]](table), options["output_file"])
    if not options["quiet"]:
        _say(table, file is None, len(project.ledger.faults), str(FILE))
        say(flag_table.summary(table))
    failing = flags.WRONG | ({"unused", "expired"} if options["strict"] else set())
    sys.exit(1 if any(row.state in failing for row in table.rows) else 0)


def _machines(root: Path) -> list[str] | None:
    """The machines of the port registry; None where there is none."""
    from config import registry

    file = registry.find(root)
    found = registry.load(file) if file is not None else None
    return list(found.machine_names) if found is not None and found.machines else None


def _say(table: Any, missing: bool, faults: int, usual: str) -> None:
    if missing:
        say(f"There is no {usual}: every flag that is asked for is undefined")
    if table.unnamed:
        path, line = table.unnamed[0]
        number = plural(len(table.unnamed), "look-up has a name", "look-ups have names")
        told = "a flag that is called unused may be asked for there"
        say(printable(f"{number} that is not written out, the first at {path}:{line}: {told}"))
    if faults:
        say(f"{plural(faults, 'file')} could not be read: `unsnarl ledger` names {'it' if faults == 1 else 'them'}")
