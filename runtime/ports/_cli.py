"""The command line ``python -m runtime.ports``."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from unsnarl.door import enter
from unsnarl.trouble import Trouble

from . import _export
from ._files import SHARED, Folder, Record
from ._leases import port_file
from ._listeners import can_tell, listeners
from ._lookup import Effective, View, hint, view_of
from ._schema import schema

_registry_option = click.option(
    "--registry", type=click.Path(path_type=Path), metavar="FILE", help="The registry; else as for a program here."
)
_machine_option = click.option("--machine", metavar="NAME", help="Only the ports of this machine.")
_format_option = click.option(
    "--format", "kind", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format."
)


class Finding(NamedTuple):
    """What is wrong with one port or variable: ``name``, and where that is written."""

    file: str
    line: int
    name: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: `{self.name}`: {self.message}"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """List, check and export the ports of a tree, and tell who holds which."""


@cli.command("list")
@_registry_option
@_machine_option
@_format_option
def list_ports(registry: Path | None, machine: str | None, kind: str) -> int:
    """List the ports in force: the registry as the environment changes it."""
    ports = _selected(_view(registry), machine)
    rows = [
        {
            "name": one.entry.name,
            "port": one.number,
            "machine": one.entry.machine,
            "owner": one.entry.owner,
            "purpose": one.entry.purpose,
            "changed by": one.variable,
            "written": f"{one.view.file}:{one.entry.line}",
        }
        for one in ports
    ]
    _show(rows, kind, leave_out={"written"})
    return 0


@cli.command()
@_registry_option
@_machine_option
@_format_option
def check(registry: Path | None, machine: str | None, kind: str) -> int:
    """Compare the registry with this host: leases, listening programs, ranges and variables.

    Exits with 0 when nothing is wrong, 1 when there are findings, 2 when it could not be done, as with a registry that
    cannot be read or that gives one port to two names.
    """
    view = _view(registry)
    found = [
        *_out_of_range(_selected(view, machine)),
        *_stray(view),
        *_clashes(_selected(view, machine or view.machine)),
    ]
    if kind == "json":
        click.echo(json.dumps([one._asdict() for one in found], indent=2))
    else:
        for one in found:
            click.echo(str(one))
    click.echo("Nothing is wrong." if not found else f"Findings: {len(found)}.", err=True)
    return 1 if found else 0


@cli.command()
@click.option("--format", "kind", type=click.Choice(["env", "compose", "configmap"]), required=True)
@_registry_option
@_machine_option
@click.option(
    "--variable",
    "template",
    default=_export.OWN,
    show_default=True,
    help="The variable of a name; the default is what get_port reads.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that compose publishes ports on.")
@click.option("--name", default="ports", show_default=True, help="Name of the ConfigMap.")
def export(kind: str, registry: Path | None, machine: str | None, template: str, host: str, name: str) -> int:
    """Write the ports in force as a .env file, a compose file or a Kubernetes ConfigMap."""
    ports = _selected(_view(registry), machine)
    try:
        if kind == "env":
            text = _export.environment(ports, template)
        elif kind == "compose":
            text = _export.compose(ports, template, host)
        else:
            text = _export.config_map(ports, template, name)
    except ValueError as error:
        raise Trouble(f"{error} (--machine, --variable, --name)") from None
    click.echo(text, nl=False)
    return 0


@cli.command()
@_format_option
def who(kind: str) -> int:
    """Tell who holds which port on this host: owner, process, and since when."""
    rows = [
        {
            "port": one.port,
            "name": one.name,
            "machine": one.machine,
            "owner": one.owner,
            "pid": one.pid,
            "since": _when(one.since),
            "program": one.program,
            "registry": one.registry,
        }
        for one in sorted(_leased().values(), key=lambda one: one.port)
    ]
    _show(rows, kind, leave_out={"registry"})
    return 0


def _view(registry: Path | None) -> View:
    try:
        if registry is None:
            return view_of(None)
        return View(
            schema().load(registry),
            {k: v for k, v in os.environ.items() if k.startswith("UNSNARL_")},
        )
    except schema().RegistryError as error:
        raise Trouble(str(error)) from None


def _selected(view: View, machine: str | None) -> list[Effective]:
    if machine is not None and machine not in view.registry.machine_names:
        raise Trouble(f"{view.file} has no machine `{machine}`; {hint(machine, view.registry.machine_names)}")
    return [one for one in view.all() if machine in {None, one.entry.machine}]


def _leased() -> dict[str, Record]:
    """The leases of this host, by the name of the file that is locked for the port."""
    named = os.environ.get("UNSNARL_LEASES")
    if not Path(named or SHARED).exists():
        return {}
    try:
        folder = Folder(named)
        try:
            return {port_file(one.port): one for one in folder.records("port-")}
        finally:
            folder.close()
    except OSError as error:
        raise Trouble(str(error)) from None


def _out_of_range(ports: Sequence[Effective]) -> Iterator[Finding]:
    for one in ports:
        within = next((each.range for each in one.view.registry.machines if each.name == one.entry.machine), None)
        if within is not None and not within[0] <= one.entry.port <= within[1]:
            told = f"port {one.entry.port} is not in the range {within[0]}-{within[1]} of machine `{one.entry.machine}`"
            free = one.view.registry.free_port(one.entry.machine)
            yield _finding(one, told + (f"; {free} is free" if free else ""))


def _stray(view: View) -> Iterator[Finding]:
    for variable in view.stray():
        name = variable.removeprefix("UNSNARL_PORT_")
        yield Finding("environment", 0, variable, f"names no port; {hint(name, view.names)}")


def _clashes(ports: Sequence[Effective]) -> Iterator[Finding]:
    leased = _leased()
    names = {(one.name, one.machine, one.registry): one for one in leased.values()}
    if not can_tell():
        click.echo("This system does not tell who listens: only leases are compared.", err=True)
    listening: dict[int, list[str]] = {}
    for each in listeners():
        listening.setdefault(each.port, []).append(str(each))
    for one in ports:
        file = os.path.realpath(one.view.file)
        lease = leased.get(port_file(one.number))
        if lease is not None and (lease.name, lease.registry) != (one.entry.name, file):
            told = f"port {one.number} has been claimed as `{lease.name}` by {lease}"
            yield _finding(one, f"{told}; stop that, or choose another port")
        elif lease is None and one.number in listening:
            told = f"port {one.number} is listened on without a lease by {', '.join(listening[one.number])}"
            yield _finding(one, f"{told}; stop that, or have it call claim() or bind_socket()")
        mine = names.get((one.entry.name, one.entry.machine, file))
        if mine is not None and mine.port != one.number:
            told = f"{mine} has it at port {mine.port}, and it is {one.number} now"
            yield _finding(one, f"{told}; start that process again")


def _finding(port: Effective, message: str) -> Finding:
    return Finding(str(port.view.file), port.entry.line, port.entry.name, message)


def _when(since: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(since)) if since else ""


def _show(rows: list[dict[str, Any]], kind: str, leave_out: set[str]) -> None:
    if kind == "json":
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if not rows:
        click.echo("There are none.", err=True)
        return
    heads = [head for head in rows[0] if head not in leave_out and any(row[head] != "" for row in rows)]
    table = [heads, *([str(row[head]) for head in heads] for row in rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(heads))]
    for line in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def main() -> None:
    """Run the command line; exits with 0 (nothing is wrong), 1 (findings) or 2 (the job could not be done)."""
    enter(cli, "python -m runtime.ports")
