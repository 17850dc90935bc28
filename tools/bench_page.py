"""Write docs/benchmarks.md from what pytest-benchmark has measured.

Usage: python -m tools.bench_page RESULTS.json PAGE.md
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def page(results: dict[str, Any]) -> str:
    """The page: first the ratios, with their bounds where they have one, then the times themselves."""
    machine = results["machine_info"]
    python = f"{machine['python_implementation']} {machine['python_version']}"
    where = f"{machine['system']}, {machine['cpu']['count']} processors"
    bounded = [one for one in results["benchmarks"] if "ratio" in one["extra_info"]]
    lines = [
        "# Benchmarks",
        "",
        "`make bench` measures and writes this page. A ratio is taken in one run, in turns where it can be, so that a",
        "busy machine slows both sides. A whole tree is 14 MB of the standard library and of what is installed; a tree",
        "that `UNSNARL_BENCH_TREE` names is rewritten as well. Everything runs with two processes.",
        "",
        f"Measured with {python} on {where}, on {results['datetime'][:10]}.",
        "",
        "| what | measured | bound | met |",
        "| --- | ---: | ---: | --- |",
        *(_bounded(one) for one in bounded),
        "",
        "Times, in milliseconds:",
        "",
        "| what | least | median |",
        "| --- | ---: | ---: |",
        *_times(results["benchmarks"]),
    ]
    return "\n".join(lines) + "\n"


def _bounded(one: dict[str, Any]) -> str:
    extra = one["extra_info"]
    word = "at least" if extra.get("at_least") else "at most"
    more = [f"{name} {value:g}" for name, value in extra.items() if name not in {"ratio", "bound", "at_least"}]
    told = f" ({', '.join(more)} s)" if more else ""
    if "bound" not in extra:
        return f"| {_name(one)}{told} | {extra['ratio']:.3g} | | |"
    met = extra["ratio"] >= extra["bound"] if extra.get("at_least") else extra["ratio"] <= extra["bound"]
    return f"| {_name(one)}{told} | {extra['ratio']:.3g} | {word} {extra['bound']:.3g} | {'yes' if met else '**no**'} |"


def _times(benchmarks: list[dict[str, Any]]) -> Iterator[str]:
    for one in benchmarks:
        stats = one["stats"]
        yield f"| {_name(one)} | {stats['min'] * 1000:,.2f} | {stats['median'] * 1000:,.2f} |"


def _name(one: dict[str, Any]) -> str:
    group = one["group"] or one["name"].removeprefix("test_").replace("_", " ")
    return f"{group}: {one['param'].replace('_', ' ')}" if one["param"] else group


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, metavar="RESULTS.json")
    parser.add_argument("page", type=Path, metavar="PAGE.md")
    options = parser.parse_args()
    options.page.write_text(page(json.loads(options.results.read_text())))


if __name__ == "__main__":
    main()
