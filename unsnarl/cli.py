"""The command ``unsnarl``. Each sub-command is imported when it is called, so that none pays for the others."""

from __future__ import annotations

from unsnarl.isolation import isolate

isolate()

import gc  # noqa: E402

# Imports and facts are kept until the end: looking through them for garbage every 700 objects costs a tenth of a run.
gc.set_threshold(50_000, 20, 20)

from importlib import import_module  # noqa: E402

import click  # noqa: E402

from unsnarl.door import enter  # noqa: E402

COMMANDS = {
    "check": "Report findings.",
    "fix": "Rewrite findings with a codemod.",
    "baseline": "Compare with the findings that were agreed to, and shrink that list.",
    "metrics": "Count findings per rule and keep the counts.",
    "exceptions": "Tell what the body of each try can raise.",
    "ports": "Tell where every port comes from and who uses it.",
    "cycles": "Tell which files import each other in a circle, and what to cut.",
    "sockets": "Tell who asks whom, who publishes to whom, and who waits for each other.",
    "flags": "Tell which feature flags the code asks for, and which there are.",
    "ledger": "Account for every file: analysed, unparseable, excluded, and why.",
    "explain": "Print the documentation of a rule.",
}


class Commands(click.Group):
    """The sub-commands, by name from ``unsnarl/commands``; the list of them imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of ``COMMANDS``."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the sub-command that is called."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"unsnarl.commands.{cmd_name}").command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name when there is no such command."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from config.settings import nearest

            ctx.fail(f"no such command `{args[0]}`; {nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List them with what is known without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    del parameter
    if value and not ctx.resilient_parsing:
        from unsnarl.version import version

        click.echo(f"unsnarl {version()}")
        ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
def cli() -> None:
    """Find and rewrite the failure patterns that grow in Python service trees."""


def main() -> None:
    """Run the command line; exits with 0 (nothing left to do), 1 (findings) or 2 (the job could not be done)."""
    enter(cli, "unsnarl")
