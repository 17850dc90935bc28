"""``unsnarl ports``: where every port comes from and who uses it."""

from __future__ import annotations

import shutil
import sys
from typing import Any

import click

from analysis.words import plural
from unsnarl.files import coloured, deliver
from unsnarl.options import config_option, jobs_option, no_cache_option, paths_argument
from unsnarl.report import printable
from unsnarl.session import Session, say


@click.command()
@paths_argument
@click.option(
    "--format",
    "style",
    type=click.Choice(("text", "csv", "json", "dot", "mermaid")),
    default="text",
    show_default=True,
    help="Output format; dot and mermaid are pictures of who talks to whom.",
)
@click.option("--side", type=click.Choice(("bind", "connect", "publish", "declare")), help="Only the rows of one side.")
@click.option("--port", "number", type=click.IntRange(0, 65535), metavar="N", help="Only the rows of one port.")
@click.option("--output-file", metavar="FILE", help="Write the table there, not to stdout.")
@click.option("-v", "--verbose", is_flag=True, help="Name the files that could not be read.")
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
@jobs_option
@no_cache_option
@config_option
def command(paths: tuple[str, ...], **options: Any) -> None:
    """Print each socket that PATHS bind or connect: its port, where that comes from, machine, owner and purpose.

    Ports that configuration files publish or declare have rows, too: YAML, TOML, JSON, compose, Docker and .env files.

    Exits with 0 when the table is made, 2 when the job could not be done. Files that cannot be read are counted
    on stderr.
    """
    from analysis import ports
    from analysis.collectors.ports import PortCollector
    from analysis.declared.reading import is_configuration
    from unsnarl.output import port_table, port_text

    session = Session(paths, options["config"])
    project = session.project((PortCollector,), jobs=options["jobs"], cache=not options["no_cache"])
    rows = [
        row
        for row in ports.table(project, session.settings.machines or None)
        if options["side"] in (None, row.side) and options["number"] in (None, row.port)
    ]
    if options["style"] == "text" and options["output_file"] is None and sys.stdout.isatty():
        text = port_text.for_terminal(rows, shutil.get_terminal_size().columns, coloured())
    else:
        text = port_table.FORMATS[options["style"]](rows)
    deliver(text, options["output_file"])
    # A configuration file that was named is not taken for Python.
    python = {path: fault for path, fault in project.ledger.faults.items() if not is_configuration(path)}
    faults = {**python, **project.declarations.faults}
    if options["verbose"]:
        for path, fault in sorted(faults.items()):
            say(printable(f"{path}{f':{fault.line}' if fault.line else ''}: not analysed: {fault.message}"))
    if not options["quiet"]:
        if faults and not options["verbose"]:
            names = "names it" if len(faults) == 1 else "names them"
            say(f"{plural(len(faults), 'file')} could not be read: `unsnarl ports --verbose` {names}")
        say(port_table.summary(rows))
