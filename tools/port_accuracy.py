"""Hold the table of ports against a sample of sockets that was read by hand.

Usage: python -m tools.port_accuracy TREE [--name NAME] [--commit COMMIT] [--write docs/port-accuracy.md]

TREE is only read. The sample, ``tools/port_sample.json``, was drawn at random from every call in the tree that may bind
or connect a socket (enumerated by ``ast``, not by our collector), with the seed that is noted in it; each was read in
its file, its base classes and its callers, before the table was looked at. ``ports`` are the numbers that the source
alone gives, none where only the run decides. ``configured`` are the sockets that a configuration gives a port to: all
that the table had were read with their configurations, ``given`` is what these say, and ``right`` is false where that
is not of this socket.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from analysis import ports
from analysis.collectors.ports import PortCollector
from analysis.project import load
from tools.text import table

SAMPLE = Path(__file__).with_name("port_sample.json")
FALSE_ALARMS = (
    ("standard library, 734 files", "12", "0"),
    ("aiohttp 3.14.5", "3", "0"),
    ("redis-py 8.1.0", "8", "0"),
    ("requests 2.34.2", "0", "0"),
)
"""Counted by hand: whether a number is a port, a program cannot tell."""


DECLARED_READ = (30, 29)
"""How many declarations were read by hand, and how many of them were right."""

HANDED = 13
"""How many sockets of ``configured`` get what the configuration says, by what starts them in the tree."""


def main() -> int:
    """0 when both bounds of the page hold, 1 when one does not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tree", type=Path)
    parser.add_argument("--name", default="")
    parser.add_argument("--commit", default="")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    sample = json.loads(SAMPLE.read_text("utf-8"))
    project = load([options.tree], root=options.tree, collectors=[PortCollector], cache=False)
    rows: dict[tuple[str, int, int], list[ports.Row]] = defaultdict(list)
    every = ports.table(project)
    declared = [row for row in every if row.side in ("declare", "publish")]
    configured = [row for row in every if row.certainty == "configured"]
    used = [row for row in every if row.side not in ("declare", "publish") and row.certainty != "configured"]
    for row in used:
        rows[row.path, row.line, row.column - 1].append(row)
    judged = [judge(one, rows.get((one["path"], one["line"], one["col"]), [])) for one in sample["sites"]]
    counts = {what: judged.count(what) for what in ("right", "wrong", "expression", "unknown", "missed")}
    total = len(judged)
    told = counts["right"] + counts["wrong"] + counts["expression"]
    numbers = counts["right"] + counts["wrong"]
    recall, precision = told / total, counts["right"] / numbers
    launched = len({row.home for row in declared if row.side == "declare" and row.home})
    homes = len({row.home for row in configured})
    numbered = sum(row.port is not None for row in configured)
    given = check_configured(sample["configured"], configured)
    page = "\n".join(
        [
            "<!-- Written by tools/port_accuracy.py. -->",
            "",
            "# How right the table of ports is",
            "",
            f"`{options.name}`, commit `{options.commit}`: {len(used):,} rows for {len(rows)} places.",
            "",
            f"{sample['candidates']} calls of the tree may bind or connect a socket. {total} that do were drawn at",
            f"random (seed {sample['seed']}; {sample['skipped']} of those drawn were no sockets) and read by hand,",
            "with their base classes, imports and callers. A number is right when the table gives all those that",
            "the source gives when nothing overrides them, and no other.",
            "",
            *table(
                ("", "places"),
                [
                    ("read", str(total)),
                    ("in the table, with a number or an expression", f"{told} ({recall:.1%}; bound 90 %)"),
                    ("in the table, with a number", str(numbers)),
                    ("of these, right", f"{counts['right']} ({precision:.1%}; bound 95 %)"),
                    ("with an expression alone", str(counts["expression"])),
                    ("in the table, unknown", str(counts["unknown"])),
                    ("not in the table", str(counts["missed"])),
                ],
            ),
            "",
            "## What configuration files declare",
            "",
            f"The same tree has {len(declared):,} rows from {len({row.path for row in declared})} files, of which",
            f"{sum(row.port is not None for row in declared):,} have a number and",
            f"{sum(row.side == 'publish' for row in declared)} are published by compose files.",
            f"{DECLARED_READ[0]} were drawn at random (seed {sample['seed']}) and held against the files, by place,",
            "number or expression, machine, owner and purpose:",
            f"{DECLARED_READ[1]} are right. The other one is the port of another machine, which only its key tells",
            "(`main_pc_port`); the row has the machine that the file lies on.",
            "",
            "## What configurations hand to sockets",
            "",
            f"{launched} scripts of the tree are run by an entry of a configuration. {len(configured)} rows are",
            f"`configured`, of {given['places']} sockets in {homes} of these scripts: {numbered} with a number,",
            "the others with a sum such as `$PORT_OFFSET + 7220`, as nothing in the tree sets the offset.",
            f"{given['read']} were read, the script and the configurations: {given['right']} are right, in that the",
            "entry runs the script, the value is the entry's, and the name that the code asks for is that key and",
            "means this socket. One asks a section of another file.",
            "",
            f"That is what the configuration means a socket to have. {HANDED} of them are handed it, by launchers that",
            "set `AGENT_PORT` or pass `--port`, or because they look for their own entry. The rest load the whole file",
            "and ask for `port` at its top, where it has none, and so start on the number in the source, which the row",
            "names beside it.",
            "",
            "## Numbers that are no ports",
            "",
            "E910, with its defaults, on source that is not ours; every finding was read. The standard library is",
            "that of Python 3.11.7 without its tests.",
            "",
            *table(("source", "findings", "of these, no port"), FALSE_ALARMS),
            "",
        ]
    )
    if options.write is not None:
        options.write.write_text(page, "utf-8")
    else:
        sys.stdout.write(page)
    return 0 if recall >= 0.9 and precision >= 0.95 and given["right"] >= 0.95 * given["places"] else 1


def check_configured(sample: list[dict[str, Any]], rows: list[ports.Row]) -> dict[str, int]:
    """How many sockets have a configured port, how many of these were read, and how many are right."""
    found: dict[tuple[str, str, int, int, str], list[tuple[str, int | str]]] = defaultdict(list)
    for row in rows:
        port = row.port if row.port is not None else row.expression
        found[row.home, row.path, row.line, row.column - 1, row.owner].append((row.machine, port))
    known = {tuple(one[key] for key in ("home", "path", "line", "col", "owner")): one for one in sample}
    read = [(known[key], its) for key, its in found.items() if key in known]
    right = sum(one.get("right", True) and sorted(map(str, its)) == sorted(str(tuple(each)) for each in one["given"])
                for one, its in read)  # fmt: skip
    return {"places": len(found), "read": len(read), "right": right}


def judge(site: dict[str, Any], rows: list[ports.Row]) -> str:
    """What became of one place of the sample."""
    if not rows:
        return "missed"
    found = {row.port for row in rows if row.port is not None}
    if found:
        # Port 0 asks the system for a port, and a hand would write down none.
        return "right" if found - {0} == set(site["ports"]) and rows[0].side == site["side"] else "wrong"
    return "unknown" if all(row.certainty == "unknown" for row in rows) else "expression"


if __name__ == "__main__":
    sys.exit(main())
