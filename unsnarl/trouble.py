"""The error of every command for a job that could not be done."""

from __future__ import annotations

import click


class Trouble(click.ClickException):
    """The job could not be done: the message says what is wrong, where, and what to do. The exit code is 2."""

    exit_code = 2
