"""The page of the settings, and the table of any struct whose docstring tells its fields."""

from __future__ import annotations

import inspect

import msgspec

from config.contracts import Contract
from config.settings import Settings
from linters import rule as rule_module
from tools.text import generated, meanings, plain_type, table, toml


def settings_page() -> str:
    out = [
        generated("config/settings.py and the rules' own options"),
        "# Settings",
        "",
        "In `pyproject.toml` under `[tool.unsnarl]`, or in `unsnarl.toml` without that prefix: the nearest one at or",
        "above the first path that is given, not beyond the repository. `--config FILE` names another. An unknown key",
        "or a wrong type ends the run with exit code 2, the line and the nearest valid name.",
        "",
        *table(("key", "type", "default", "meaning"), struct_rows(Settings, hidden=("origin",))),
        "",
        "What a class that `safe-executor` names must keep to is told on [a page of its own](executor.md).",
        "",
        "## `[tool.unsnarl.contracts.NAME]`",
        "",
        "One table for each contract; how they are written is told [with the cycles](cycles.md#contracts).",
        "",
        *table(("key", "type", "default", "meaning"), struct_rows(Contract)),
    ]
    for code, rule in rule_module.kinds().items():
        rows = struct_rows(rule.options_type)
        if rows:
            out += ["", f"## `[tool.unsnarl.rules.{code}]`", "", *table(("key", "type", "default", "meaning"), rows)]
    return "\n".join(out)


def struct_rows(kind: type[msgspec.Struct], hidden: tuple[str, ...] = ()) -> list[tuple[str, str, str, str]]:
    """Key, type, default and meaning of every field of ``kind``; the meanings stand in its docstring, by name."""
    said = meanings(inspect.getdoc(kind) or "")
    rows = []
    for field in msgspec.structs.fields(kind):
        if field.name in hidden:
            continue
        default = field.default_factory() if callable(field.default_factory) else field.default
        if field.name not in said:
            raise LookupError(f"the docstring of {kind.__module__}.{kind.__name__} does not tell `{field.name}`")
        rows.append((f"`{field.encode_name}`", plain_type(field.type), f"`{toml(default)}`", said[field.name]))
    return rows
