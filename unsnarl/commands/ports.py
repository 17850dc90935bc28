"""``unsnarl ports``: where every port comes from and who uses it."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from analysis.words import plural
from unsnarl.files import coloured, deliver, whole
from unsnarl.options import config_option, jobs_option, no_cache_option, paths_argument
from unsnarl.report import printable
from unsnarl.session import Session, say
from unsnarl.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.ports import Row
    from analysis.project import Project


_PICTURES = ("dot", "mermaid", "html")


@click.command()
@paths_argument
@click.option(
    "--format",
    "style",
    type=click.Choice(("text", "csv", "json", *_PICTURES)),
    default="text",
    show_default=True,
    help="Output format; dot, mermaid and html are pictures of who talks to whom, the last a page to look into.",
)
@click.option("--side", type=click.Choice(("bind", "connect", "publish", "declare")), help="Only the rows of one side.")
@click.option("--port", "number", type=click.IntRange(0, 65535), metavar="N", help="Only the rows of one port.")
@click.option("--owner", metavar="NAME", help="Only the rows of one owner; in a picture, also whom it talks to.")
@click.option(
    "--depth", type=click.IntRange(min=1), metavar="N", help="Of a picture of one owner: so many steps from it; 1."
)
@click.option(
    "--all", "everything", is_flag=True, help="Of a picture: also draw tests, migrations and who only tries a port."
)
@click.option("--output-file", metavar="FILE", help="Write the table there, not to stdout.")
@click.option("-v", "--verbose", is_flag=True, help="Name the files that could not be read.")
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
@jobs_option
@no_cache_option
@config_option
def command(paths: tuple[str, ...], **options: Any) -> None:
    """Print each socket that PATHS bind or connect: its port, where that comes from, machine, owner and purpose.

    Ports that configuration files publish or declare have rows, too: YAML, TOML, JSON, compose, Docker and .env files.

    The whole tree is looked at, since callers, base classes and configurations may lie outside of PATHS. A picture
    (--format dot, mermaid or html) shows what PATHS talk to, wherever in the tree that is.

    Exits with 0 when the table is made, 2 when the job could not be done. Files that cannot be read are counted
    on stderr.
    """
    from analysis import ports
    from analysis.collectors.ports import PortCollector
    from analysis.declared.reading import is_configuration
    from unsnarl.output import port_table, port_text

    drawn = options["style"] in _PICTURES
    _refuse(options, drawn)
    session = Session(paths, options["config"])
    part = not session.covered
    project = session.project(
        (PortCollector,),
        jobs=options["jobs"],
        cache=not options["no_cache"],
        whole_tree=part and session.anchored,
        named_beside=True,
    )
    named = [session.name(path) for path in session.paths]

    def within(path: str) -> bool:
        return any(path == one or path.startswith(f"{one}/") for one in named)

    def asked(row: Row) -> bool:
        """Whether a row is of PATHS: by its place, or as a base class elsewhere binds for a class in them."""
        declared = row.side in ("declare", "publish")
        return drawn or not part or within(row.path) or (within(row.home) and not declared)

    rows = [
        row
        for row in ports.table(project, session.settings.machines or None)
        if asked(row)
        and options["side"] in (None, row.side)
        and options["number"] in (None, row.port)
        and (drawn or options["owner"] is None or row.owner.lower() == options["owner"].lower())
    ]
    if drawn:
        text, said = _picture(project, rows, options, within if part and session.anchored else None)
    else:
        said = [port_table.summary(rows)]
        if options["style"] == "text" and options["output_file"] is None and sys.stdout.isatty():
            text = port_text.for_terminal(rows, shutil.get_terminal_size().columns, coloured())
        else:
            text = port_table.FORMATS[options["style"]](rows)
    if part and not session.anchored:
        looked_at = ", ".join(printable(str(whole(path))) for path in session.paths)
        missed = "a server" if drawn else "a caller, a base class or a configuration"
        shown = "is shown as nobody in the tree" if drawn else "is not known"
        said.insert(
            len(said) - 1,
            f"Only {looked_at} was looked at: {missed} elsewhere {shown}. Name the whole tree, or mark where it begins "
            "with an unsnarl.toml or a repository",
        )
    deliver(text, options["output_file"])
    # A configuration file that was named is not taken for Python.
    python = {path: fault for path, fault in project.ledger.faults.items() if not is_configuration(path)}
    faults = {**python, **project.declarations.faults}
    if options["verbose"]:
        for path, fault in sorted(faults.items()):
            say(printable(f"{path}{f':{fault.line}' if fault.line else ''}: not analysed: {fault.message}"))
    if faults and not options["verbose"] and not options["quiet"]:
        names = "names it" if len(faults) == 1 else "names them"
        say(f"{plural(len(faults), 'file')} could not be read: `unsnarl ports --verbose` {names}")
    for line in said:
        if not options["quiet"] or line.startswith("Warning"):
            say(line)


def _refuse(options: dict[str, Any], drawn: bool) -> None:
    """Raise Trouble for options that do not go together."""
    if drawn and options["side"] is not None:
        raise Trouble(
            f"--side {options['side']} is for tables: an arrow of --format {options['style']} has both sides of a "
            "connection. Leave it out; --owner NAME, --port N or a folder makes the picture smaller"
        )
    for name in () if drawn else ("depth", "everything"):
        if options[name]:
            option = "--all" if name == "everything" else f"--{name}"
            raise Trouble(f"{option} is for pictures: add --format dot, mermaid or html")
    if options["depth"] is not None and options["owner"] is None:
        raise Trouble("--depth counts the steps from one owner: add --owner NAME")


def _picture(
    project: Project, rows: list[Row], options: dict[str, Any], within: Callable[[str], bool] | None
) -> tuple[str, list[str]]:
    """The picture, and what is to be said of it; ``within`` tells of a file whether it was named, None: all were."""
    from analysis.port_sides import probes
    from unsnarl.output import port_picture

    picture = port_picture.draw(rows, probes(project), everything=options["everything"], within=within)
    if options["owner"] is not None:
        drawn = picture
        picture = port_picture.around(picture, options["owner"], options["depth"] or 1)
        if not picture.edges:
            raise Trouble(_unknown_owner(options["owner"], rows, {node.name for node in drawn.nodes}))
    style = options["style"]
    text = port_picture.FORMATS[style](picture)
    said = list(port_picture.notes(picture, text, style, narrowed=options["owner"] is not None))
    return text, [*said, port_picture.summary(picture)]


def _unknown_owner(owner: str, rows: list[Row], drawn: set[str]) -> str:
    from difflib import get_close_matches

    if owner.lower() in {row.owner.lower() for row in rows}:
        what = "no connection to or from it is known or drawn"
        return f"--owner {owner}: {what}; --all also draws tests, migrations and probes"
    near = get_close_matches(owner, sorted(drawn - {""}), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(f'`{one}`' for one in near)}?" if near else "`unsnarl ports` lists the owners"
    return f"--owner {owner}: there is no such owner; {hint}"
