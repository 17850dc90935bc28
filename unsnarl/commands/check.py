"""``unsnarl check``: report findings."""

from __future__ import annotations

import sys
from typing import Any

import click

from unsnarl.files import coloured, deliver, refuse_source
from unsnarl.options import codes, config_option, jobs_option, no_cache_option, paths_argument
from unsnarl.report import Report
from unsnarl.session import Session, say
from unsnarl.trouble import Trouble

FORMATS = ("text", "json", "sarif", "github")


@click.command()
@paths_argument
@click.option("--format", "style", type=click.Choice(FORMATS), default="text", show_default=True, help="Output format.")
@click.option("--select", callback=codes, metavar="CODES", help="Only these codes or prefixes, with commas.")
@click.option("--ignore", callback=codes, metavar="CODES", help="Not these codes or prefixes, with commas.")
@click.option("--statistics", is_flag=True, help="Print the number of findings per rule, not the findings.")
@click.option("--explain", metavar="CODE", help="Print the documentation of a rule and do nothing else.")
@click.option("--baseline", "baseline_file", metavar="FILE", help="Findings in this baseline are not reported.")
@click.option("--no-baseline", is_flag=True, help="Report everything, also where the settings name a baseline.")
@click.option("--output-file", metavar="FILE", help="Write the results there, not to stdout.")
@click.option("--stdin-filename", metavar="PATH", help="The name that source on stdin (`-`) goes by.")
@click.option("--force-exclude", is_flag=True, help="Leave out what the settings exclude even when it is named.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 also when there are findings.")
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
@jobs_option
@no_cache_option
@config_option
def command(paths: tuple[str, ...], explain: str | None, **options: Any) -> None:
    """Report findings in PATHS: files and folders, `-` for stdin, by default the current folder.

    Exits with 0 when there is nothing to report, 1 when there are findings or the baseline is stale, 2 when a file
    could not be analysed or the job could not be done.
    """
    if explain is not None:
        from unsnarl.commands.explain import document

        click.echo(document(explain))
        return
    if options["statistics"] and options["style"] in ("sarif", "github"):
        raise Trouble(f"--format {options['style']} has no place for --statistics: leave one of them out")
    refuse_source(options["output_file"], paths)
    on_stdin = "-" in paths or options["stdin_filename"] is not None
    if on_stdin and paths not in ((), ("-",)):
        raise Trouble("`-` (stdin) goes with no other path")
    name = options["stdin_filename"] or "stdin"
    session = Session((name,) if on_stdin else paths, options["config"])
    chosen = session.rules(options["select"], options["ignore"])
    file = None if options["no_baseline"] else session.baseline_file(options["baseline_file"])
    how = {"jobs": options["jobs"], "cache": not options["no_cache"], "force_exclude": options["force_exclude"]}
    if on_stdin:
        report, _ = session.check_source(chosen, name, sys.stdin.buffer.read(), file, **how)
    else:
        report, _ = session.check(chosen, file, **how)
    deliver(render(report, options), options["output_file"])
    if not options["quiet"]:
        from unsnarl.output.text import summary

        say(summary(report))
    if report.exit_code and not (report.exit_code == 1 and options["exit_zero"]):
        sys.exit(report.exit_code)


def render(report: Report, options: dict[str, Any]) -> str:
    """The report in the format asked for."""
    style = options["style"]
    if style == "json":
        from unsnarl.output import json

        return json.render(report)
    if style == "sarif":
        from unsnarl.output import sarif
        from unsnarl.version import version

        return sarif.render(report, version())
    if style == "github":
        from unsnarl.output import github

        return github.render(report)
    from unsnarl.output import text

    if options["statistics"]:
        return text.statistics(report)
    return text.render(report, options["output_file"] is None and coloured())
