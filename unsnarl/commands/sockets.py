"""``unsnarl sockets``: who asks whom, who publishes what to whom, and who waits for each other."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from analysis.words import plural
from unsnarl.files import deliver
from unsnarl.options import config_option, jobs_option, no_cache_option, paths_argument
from unsnarl.report import printable
from unsnarl.session import Session, say
from unsnarl.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.sockets import Service
    from unsnarl.output.socket_text import Message

_PARTS = ("edges", "requests", "loops", "orphans", "sockets")


@click.command()
@paths_argument
@click.option(
    "--format",
    "style",
    type=click.Choice(("text", "csv", "json", "dot", "mermaid")),
    default="text",
    show_default=True,
    help="Output format; dot and mermaid are pictures, csv has the edges, or with `--only sockets` these.",
)
@click.option(
    "--only",
    type=click.Choice(_PARTS),
    multiple=True,
    help="Only this part; may be given again. By default all but the sockets; in JSON those, too.",
)
@click.option("--kind", type=click.Choice(("request", "publish", "push")), help="Only the edges of one kind.")
@click.option("--port", "number", type=click.IntRange(0, 65535), metavar="N", help="Only what concerns one port.")
@click.option("--owner", metavar="NAME", help="Only what one service says, and what is said to it.")
@click.option("--all", "everything", is_flag=True, help="Tests, too.")
@click.option("--output-file", metavar="FILE", help="Write the result there, not to stdout.")
@click.option("-v", "--verbose", is_flag=True, help="Name the files that could not be read.")
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
@jobs_option
@no_cache_option
@config_option
def command(paths: tuple[str, ...], **options: Any) -> None:
    """Print the messages between the services of PATHS: who asks whom, who publishes what to whom.

    Also which requests each service tells apart, which wait for each other in a circle, and the sockets that nobody is
    on the other side of. The whole tree is looked at, since the other side may be outside of PATHS.

    Exits with 0 when no circle of requests is known to be one that can hang, 1 when one is, 2 when the job could not
    be done. A circle that is one only if a port is that of a certain service is printed, and does not count.
    """
    from analysis.sockets import COLLECTORS, Graph
    from analysis.testfiles import is_test
    from unsnarl.output import socket_data, socket_picture, socket_text

    session = Session(paths, options["config"])
    project = session.around(COLLECTORS, jobs=options["jobs"], cache=not options["no_cache"])
    graph = Graph(project, session.settings.machines or None, None if options["everything"] else is_test)
    named = [session.name(path) for path in session.paths]

    def within(path: str) -> bool:
        return any(one in (".", path) or path.startswith(f"{one}/") for one in named)

    shown = _narrowed(_whole(graph), options, within)
    style = options["style"]
    parts = options["only"] or (_PARTS if style == "json" else _PARTS[:-1])
    if style == "text":
        wide = shutil.get_terminal_size().columns if options["output_file"] is None and sys.stdout.isatty() else None
        text = socket_text.text(shown, parts, wide)
    else:
        formats = {
            "csv": socket_data.as_csv,
            "json": socket_data.as_json,
            "dot": socket_picture.as_dot,
            "mermaid": socket_picture.as_mermaid,
        }
        text = formats[style](shown, parts)
    deliver(text, options["output_file"])
    faults = project.ledger.faults
    if options["verbose"]:
        for path, fault in sorted(faults.items()):
            say(printable(f"{path}{f':{fault.line}' if fault.line else ''}: not analysed: {fault.message}"))
    if not options["quiet"]:
        if faults and not options["verbose"]:
            names = "names it" if len(faults) == 1 else "names them"
            say(f"{plural(len(faults), 'file')} could not be read: `unsnarl sockets --verbose` {names}")
        for line in socket_text.summary(shown):
            say(line)
    if shown.loops.deadlocks:
        sys.exit(1)


def _whole(graph: Any) -> Message:
    from analysis.message_edges import orphans_of
    from analysis.request_loops import loops_of
    from unsnarl.output.socket_text import Message

    sockets = sorted(graph.sockets, key=lambda one: (one.service, one.path, one.line, one.column, one.port or 0))
    return Message(graph.edges(), graph.served, loops_of(graph), orphans_of(graph), sockets)


def _narrowed(shown: Message, options: dict[str, Any], within: Callable[[str], bool]) -> Message:
    """What concerns the paths, the owner, the port and the kind that were asked for."""
    from analysis.request_loops import Loops
    from unsnarl.output.socket_text import Message

    owner, number, kind = options["owner"], options["number"], options["kind"]
    known = {one.service.name.lower() for one in shown.sockets}
    if owner is not None and owner.lower() not in known:
        from difflib import get_close_matches

        near = get_close_matches(owner, sorted({one.service.name for one in shown.sockets}), n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(f'`{one}`' for one in near)}?" if near else "`unsnarl sockets` lists them"
        raise Trouble(f"--owner {owner}: no such service has a socket; {hint}")

    def wanted(*services: Service) -> bool:
        return any(within(one.home) for one in services) and (
            owner is None or any(one.name.lower() == owner.lower() for one in services)
        )

    def at(*ports: int | None) -> bool:
        return number is None or number in ports

    return Message(
        [one for one in shown.edges if wanted(one.client, one.server) and at(one.port) and kind in (None, one.kind)],
        [one for one in shown.served if wanted(one.service) and at(*one.ports)],
        Loops(
            *(
                tuple(one for one in loops if wanted(*one.services) and at(*(step.port for step in one.steps)))
                for loops in (shown.loops.deadlocks, shown.loops.possible, shown.loops.coupled)
            )
        ),
        [one for one in shown.orphans if wanted(one.socket.service) and at(one.socket.port)],
        [one for one in shown.sockets if wanted(one.service) and at(one.port)],
    )
