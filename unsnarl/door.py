"""How every command line of ours is entered and left, so that exit codes mean the same everywhere."""

from __future__ import annotations

import os
import sys

import click


def enter(command: click.Command, name: str) -> None:
    """Run ``command``, which calls itself ``name``, and exit.

    With what the command says, or 2 when the job could not be done: a wrong call, Trouble, an interruption, a reader of
    stdout that went away, or a defect of ours, which is shown with its traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        # A file name may hold bytes that are not UTF-8, and a console may not know every character.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    code = 2
    try:
        result = command.main(prog_name=name, standalone_mode=False)
        code = result if isinstance(result, int) else 0
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
    except click.Abort:
        click.echo("Interrupted.", err=True)
    except BrokenPipeError:
        # The interpreter flushes stdout once more at its end, and would complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:  # noqa: BLE001, E900 whatever it is must not look like findings, which are exit code 1
        import traceback

        from config.documents import ConfigError

        if isinstance(error, ConfigError):
            click.ClickException(str(error)).show()
        else:
            traceback.print_exc()
            click.echo("Error: this is a defect of unsnarl; please report it with the lines above.", err=True)
    sys.exit(code)
