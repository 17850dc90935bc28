"""``unsnarl fix``: the codemods, each with the command line that ``python -m codemods.<name>`` has."""

from __future__ import annotations

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
