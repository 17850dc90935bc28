"""Do two owners bind one port on one machine? ``python -m analysis.check_port_conflicts [PATH...]`` says where."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from analysis.ports import Conflict
from analysis.words import plural


def to_text(found: Iterable[Conflict]) -> Iterator[str]:
    """The conflicts in lines: the port, then each owner and where it binds it."""
    for one in found:
        where = f" on {one.machine}" if one.machine else ""
        yield f"port {one.port}{where}: {plural(len(one.owners), 'owner', 'owners')}"
        for owner, rows in one.owners:
            for row in rows:
                yield f"  {owner}: {row.path}:{row.line}:{row.column}: {row.evidence}"


def _owners(text: str) -> int:
    import argparse

    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"`{text}` is no number of owners: it says how many one port may have, 1 or more, and counts no conflicts"
        )
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """0 when no port has more owners than allowed, 1 when one has, 2 when the job could not be done."""
    import argparse

    from analysis import ports
    from analysis.collectors.ports import PortCollector
    from analysis.discovery import NoSuchPath
    from analysis.project import load
    from config.settings import SettingsError
    from config.settings import load as load_settings

    parser = argparse.ArgumentParser(
        prog="python -m analysis.check_port_conflicts",
        description="Which ports have several owners on one machine?",
        epilog="Exits with 0 when no port has more owners than --max-count, 1 when one has, 2 when the job could not "
        "be done. --max-count is not a budget of conflicts: with 2, a single port with three owners is one conflict, "
        "and any number of ports with two owners is none.",
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders; the root")
    parser.add_argument("--root", default=".", help="the folder that paths are told from; the current one")
    parser.add_argument(
        "--max-count", type=_owners, default=1, metavar="N", help="how many owners one port of one machine may have; 1"
    )
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="processes; one per processor")
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write the index")
    options = parser.parse_args(argv)
    root = Path(options.root)
    try:
        settings = load_settings(root)
        project = load(
            options.paths or [root],
            root=root,
            collectors=[PortCollector],
            jobs=options.jobs,
            cache=not options.no_cache,
            exclude=settings.exclude,
        )
    except (NoSuchPath, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    found = ports.conflicts(ports.table(project, settings.machines or None), options.max_count)
    sys.stdout.writelines(f"{line}\n" for line in to_text(found))
    sys.stdout.flush()
    faults = {path: facts.fault for path, facts in project.files.items() if facts.fault is not None}
    faults.update(project.declarations.faults)
    if faults:
        what = plural(len(faults), "file", "files")
        sys.stderr.write(
            f"{what} could not be read: `unsnarl ports --verbose` names {'it' if len(faults) == 1 else 'them'}\n"
        )
    sys.stderr.write(f"{plural(len(found), 'conflict', 'conflicts')}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
