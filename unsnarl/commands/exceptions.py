"""``unsnarl exceptions``: what the body of each ``try`` can raise."""

from __future__ import annotations

import sys
from typing import Any

import click

from unsnarl.files import deliver, refuse_source
from unsnarl.options import config_option, format_option, jobs_option, no_cache_option, paths_argument
from unsnarl.report import printable
from unsnarl.session import Session, say


@click.command()
@paths_argument
@format_option
@click.option(
    "--top", type=click.IntRange(min=0), default=10, show_default=True, metavar="N", help="Name the N commonest causes."
)
@click.option("--output-file", metavar="FILE", help="Write the sets there, not to stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
@jobs_option
@no_cache_option
@config_option
def command(paths: tuple[str, ...], **options: Any) -> None:
    """Print what the body of each try statement in PATHS can raise, and where that is not known, why.

    Exits with 0 when every file was read, 2 when one could not be analysed or the job could not be done.
    """
    from analysis import exceptions
    from analysis.collectors.effects import Effects

    refuse_source(options["output_file"], paths)
    session = Session(paths, options["config"])
    project = session.project((Effects,), jobs=options["jobs"], cache=not options["no_cache"])
    raises = exceptions.infer(project)
    if options["style"] == "json":
        deliver(exceptions.to_json(raises).decode(), options["output_file"])
    else:
        lines = (f"{printable(line)}\n" for line in exceptions.to_text(raises))
        deliver("".join(lines), options["output_file"])
    if not options["quiet"]:
        for line in exceptions.summary(raises, options["top"]):
            say(printable(line))
    faults = project.ledger.faults
    for path, fault in faults.items():
        place = f"{path}:{fault.line}" if fault.line else path
        say(printable(f"{place}: not analysed: {fault.message}"))
    if faults:
        sys.exit(2)
