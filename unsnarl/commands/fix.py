"""``unsnarl fix``: the codemods, each with the command line that ``python -m codemods.<name>`` has."""

from __future__ import annotations

import shlex
from pathlib import Path

import click


class Codemods(click.Group):
    """The codemods by name, dashes for underscores; only the one that is called is loaded, and libcst with it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, sorted."""
        del ctx
        from codemods.codemod import names

        return [name.replace("_", "-") for name in names()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of the codemod, under either spelling of its name."""
        if cmd_name.replace("_", "-") not in self.list_commands(ctx):
            return None
        from codemods.cli import command as codemod

        return codemod(cmd_name.replace("-", "_"))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; an option or a path where the codemod belongs says what to write instead."""
        known = self.list_commands(ctx)
        first = args[0] if args else ""
        missing = first.replace("_", "-") not in known and (
            self._takes(ctx, first) if first.startswith("-") else first and Path(first).exists()
        )
        if missing and first not in ctx.help_option_names:
            named = [one for one in args if one.replace("_", "-") in known]
            codemod = named[0] if named else known[0] if len(known) == 1 else "CODEMOD"
            call = shlex.join(["unsnarl", "fix", codemod, *(one for one in args if one not in named[:1])])
            ctx.fail(
                f"the codemod comes first: write `{call}`; the codemods are {', '.join(f'`{one}`' for one in known)}"
            )
        return super().parse_args(ctx, args)

    def _takes(self, ctx: click.Context, option: str) -> bool:
        """Whether any codemod takes this option."""
        commands = filter(None, (self.get_command(ctx, name) for name in self.list_commands(ctx)))
        taken = {name for one in commands for parameter in one.params for name in parameter.opts}
        return option.partition("=")[0] in taken or (option[:2] in taken and option[:2] != "--")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name when there is no such codemod."""
        if args and not args[0].startswith("-") and args[0].replace("_", "-") not in self.list_commands(ctx):
            from config.settings import nearest

            ctx.fail(f"no such codemod `{args[0]}`; {nearest(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


@click.command(cls=Codemods)
def command() -> None:
    """Rewrite what a codemod can rewrite with the same meaning, and report what it declines."""
