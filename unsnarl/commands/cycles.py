"""``unsnarl cycles``: which files import each other in a circle, and what to cut."""

from __future__ import annotations

import sys
from typing import Any

import click

from analysis.words import plural
from unsnarl.files import deliver
from unsnarl.options import config_option, jobs_option, no_cache_option, paths_argument
from unsnarl.report import printable
from unsnarl.session import Session, say
from unsnarl.trouble import Trouble


@click.command()
@paths_argument
@click.option(
    "--format",
    "style",
    type=click.Choice(("text", "json", "dot", "mermaid", "html")),
    default="text",
    show_default=True,
    help="Output format; dot and mermaid draw the files of the cycles, html is a page to look into them.",
)
@click.option(
    "--late", is_flag=True, help="Count imports in functions, too: these cycles are tangles, and cannot fail at import."
)
@click.option("--through", metavar="FILE", help="Only the cycle that FILE is part of.")
@click.option("--output-file", metavar="FILE", help="Write the result there, not to stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
@jobs_option
@no_cache_option
@config_option
def command(paths: tuple[str, ...], **options: Any) -> None:
    """Print the import cycles among the files of PATHS: a shortest way round, and which imports to cut, and how.

    The cut is the cheapest set of imports without which no cycle is left. Nothing is imported to find out. The whole
    tree is looked at, since a circle may leave PATHS; those with no file in PATHS are not printed.

    Exits with 0 when there is no cycle, 1 when there is one, 2 when the job could not be done.
    """
    from analysis.cuts import crossings_of, of_project
    from analysis.cycles import cycles
    from analysis.imports import ANY_TIME, AT_IMPORT, COLLECTORS, graph_of
    from unsnarl.output import cycle_text

    session = Session(paths, options["config"])
    project = session.around(COLLECTORS, jobs=options["jobs"], cache=not options["no_cache"])
    graph = graph_of(project, keep=True)
    named = [session.name(path) for path in session.paths]
    through = session.name(options["through"]) if options["through"] else None

    def asked(file: str) -> bool:
        return any(one in (".", file) or file.startswith(f"{one}/") for one in named)

    every = cycles(graph, ANY_TIME if options["late"] else AT_IMPORT)
    found = [one for one in every if any(map(asked, one.files)) and through in (None, *one.files)]
    if through is not None and through not in project.files:
        raise Trouble(f"--through {options['through']}: the tree has no such Python file")
    cut = [
        cycle_text.Opened(*one)
        for one in zip(found, of_project(project, graph, found, late=options["late"]), strict=True)
    ]
    summary = cycle_text.summary(cut, len(project.files), len(every) - len(found))
    if options["style"] == "html":
        from unsnarl.output import cycle_page

        text = cycle_page.page(cut, crossings_of(project, found), summary)
    else:
        text = cycle_text.FORMATS[options["style"]](cut)
    deliver(text, options["output_file"])
    if not options["quiet"]:
        faults = project.ledger.faults
        say(summary)
        if faults:
            were = "was" if len(faults) == 1 else "were"
            say(printable(f"{plural(len(faults), 'file')} could not be parsed: what imports they show {were} counted"))
    if found:
        sys.exit(1)
