"""Arguments and options that several commands share, so that they are called and mean the same."""

from __future__ import annotations

import click


def codes(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Split ``E900,E903`` for click."""
    del context, parameter
    return tuple(code for code in (value or "").replace(",", " ").split())


paths_argument = click.argument("paths", nargs=-1, type=click.Path())
jobs_option = click.option(
    "-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Number of processes; by default one per processor."
)
format_option = click.option(
    "--format", "style", type=click.Choice(("text", "json")), default="text", show_default=True, help="Output format."
)
no_cache_option = click.option("--no-cache", is_flag=True, help="Neither read nor write the index of facts.")
config_option = click.option(
    "--config", metavar="FILE", help="Settings; else pyproject.toml or unsnarl.toml in or above the first path."
)
