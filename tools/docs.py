"""Write the generated pages under ``docs/``: rules, codemods, settings, commands and the runtime reference.

``python -m tools.docs`` writes them and removes the pages of what is no longer there; with ``--check`` it writes
nothing and ends with 1 when a page is not what would be written.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import itertools
import os
import pkgutil
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, is_typeddict

from codemods import codemod as codemod_module
from codemods.edits import Reason, SkipReason, TreeExample
from linters import rule as rule_module
from tools.settings_page import settings_page, struct_rows
from tools.text import code_block, generated, inline, markdown, sentence, signature, table, toml

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
FAILED = "the job could not be done, or not for every file"


def pages() -> dict[str, str]:
    """Every generated page: its path under ``docs/`` and its text."""
    made = {
        "../README.md": readme(),
        "rules/README.md": rule_index(),
        "codemods/README.md": codemod_index(),
        "settings.md": settings_page(),
        "commands.md": commands_page(),
        "runtime.md": runtime_page(),
    }
    for code, rule in rule_module.kinds().items():
        made[f"rules/{code}.md"] = rule_page(rule)
    for name in codemod_module.names():
        made[f"codemods/{name}.md"] = codemod_page(codemod_module.load(name))
    return {path: text.rstrip("\n") + "\n" for path, text in sorted(made.items())}


def name(path: str) -> str:
    return path.removeprefix("../") if path.startswith("../") else f"docs/{path}"


def stale(made: Iterable[str]) -> list[str]:
    """The pages of rules and codemods that are no longer there, as paths under ``docs/``."""
    known = set(made)
    there = (path.relative_to(DOCS).as_posix() for kind in ("rules", "codemods") for path in (DOCS / kind).glob("*.md"))
    return sorted(path for path in there if path not in known)


def readme() -> str:
    """The README, its second block of Python being what the codemod makes of the first."""
    from codemods.cli import command

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    first, second = itertools.islice(re.finditer(r"(?<=```python\n).*?(?=```)", text, re.DOTALL), 2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "agent.py"
        path.write_text(first[0], encoding="utf-8")
        options = ["--allow-dirty", "--quiet", "--no-cache", "--jobs=1", f"--output-file={os.devnull}", str(path)]
        command("safe_executor").main(options, standalone_mode=False)
        return text[: second.start()] + path.read_text(encoding="utf-8") + text[second.end() :]


# Rules


def fixed_by(code: str) -> list[str]:
    """The codemods that can rewrite a finding of ``code``: they answer it and have an example of doing so."""
    loaded = (codemod_module.load(name) for name in codemod_module.names())
    return [one.name for one in loaded if code in one.answers and rewrites(one)]


def rewrites(one: codemod_module.Codemod) -> bool:
    if isinstance(one, codemod_module.TreeCodemod):
        return any(example.after for example in one.trees)
    return any(example.after is not None for example in one.examples)


def rule_index() -> str:
    rows = []
    for code, rule in rule_module.kinds().items():
        fixes = ", ".join(f"[`{name}`](../codemods/{name}.md)" for name in fixed_by(code))
        rows.append((f"[{code}]({code}.md)", f"`{rule.name}`", rule.message, fixes))
    return "\n".join(
        [
            generated("the rules in linters/"),
            "# Rules",
            "",
            "What `unsnarl check` and `flake8` report. `unsnarl check --explain CODE` prints a page on the terminal.",
            "",
            *table(("code", "name", "message", "rewritten by"), rows),
            "",
            *rule_notes(),
        ]
    )


def rule_notes() -> list[str]:
    """What is to be told of the rules that look across files and of those that are off by default."""
    kinds = rule_module.kinds().items()
    wide = [code for code, rule in kinds if issubclass(rule, rule_module.TreeRule)]
    off = [code for code, rule in kinds if not rule.default]
    out = []
    if wide:
        out.append(
            f"{', '.join(wide)} look across files: `unsnarl check` reports them for a whole tree, flake8 where their "
            "codes or tens are selected (`--extend-select=E920`, `E92`), which `E9` alone does not."
        )
    if off:
        out.append(
            f'{", ".join(off)} run where they are selected: `select = ["E9"]` in the settings selects every rule.'
        )
    return out


def rule_page(rule: type[rule_module.Rule]) -> str:
    fixes = ", ".join(f"[`{name}`](../codemods/{name}.md)" for name in fixed_by(rule.code)) or "nothing yet"
    near = ", ".join(f"`{one}`" for one in rule.neighbours) or "none"
    out = [
        generated(source_of(rule)),
        f"# {rule.code}: {rule.name}",
        "",
        f"> {rule.message}",
        "",
        f"Since {rule.since}. Rewritten by: {fixes}. Neighbours in other linters: {near}."
        + ("" if rule.default else " Off by default: it runs where it is selected.")
        + (
            " In flake8 where its code is selected: it looks across files."
            if issubclass(rule, rule_module.TreeRule)
            else ""
        ),
        "",
        markdown(inspect.getdoc(rule) or ""),
    ]
    options = struct_rows(rule.options_type)
    if options:
        out += ["", "## Settings", "", f"In the table `[tool.unsnarl.rules.{rule.code}]`.", ""]
        out += table(("key", "type", "default", "meaning"), options)
    flagged = [example for example in rule.examples if example.flagged]
    clean = [example for example in rule.examples if not example.flagged]
    for title, examples in (("Flagged", flagged), ("Not flagged", clean)):
        if examples:
            out += ["", f"## {title}"]
        if examples is flagged:
            out += [
                "",
                f"Where a line ends in `# <{rule.code}>`, it is reported there; the mark is not part of the code.",
            ]
        for example in examples:
            out += ["", f"{sentence(example.why)}{under(example.options)}"]
            if example.source:
                out += ["", *code_block(example.source)]
            for path, text in example.files.items():
                out += ["", f"`{path}`:", "", *code_block(text)]
    return "\n".join(out)


def source_of(thing: type) -> str:
    return thing.__module__.replace(".", "/") + ".py"


def under(options: Mapping[str, Any]) -> str:
    return f" With `{toml(options)}`." if options else ""


# Codemods


def codemod_index() -> str:
    loaded = [codemod_module.load(name) for name in codemod_module.names()]
    rows = [
        (
            f"[`{one.name}`]({one.name}.md)",
            one.summary,
            ", ".join(f"[{code}](../rules/{code}.md)" for code in one.answers),
        )
        for one in loaded
    ]
    out = [
        generated("the codemods in codemods/"),
        "# Codemods",
        "",
        "Each is run as `python -m codemods.<name> PATH…`; the options that all of them take are in",
        "[the command reference](../commands.md).",
        "",
        *table(("name", "what it does", "answers"), rows),
        "",
        "## Why a finding is declined",
        "",
        "The list is closed; `--format json` gives the word in the first column, `unsnarl explain WORD` its meaning.",
        "After a run that wrote, lines and columns are those of the files as they are now; with `--check` and `--diff`",
        "those of the files as they were.",
        "",
        *table(("reason", "meaning"), [(f"`{one.value}`", one.meaning) for one in Reason]),
        "",
        "## Why a finding is skipped",
        "",
        "Nobody asked for these to be rewritten.",
        "",
        *table(("reason", "meaning"), [(f"`{one.value}`", one.meaning) for one in SkipReason]),
    ]
    return "\n".join(out)


def codemod_page(one: codemod_module.Codemod) -> str:
    answers = ", ".join(f"[{code}](../rules/{code}.md)" for code in one.answers)
    module = importlib.import_module(type(one).__module__)
    out = [
        generated(source_of(type(one))),
        f"# {one.name}",
        "",
        sentence(one.summary),
        "",
        f"Answers {answers}. Run it as `python -m codemods.{one.name} PATH…`.",
        "",
        markdown(inspect.getdoc(module) or ""),
    ]
    own = [option_row(parameter) for parameter in one.parameters()]
    if own:
        out += ["", "## Options of its own", "", *table(("option", "meaning"), own)]
    rewritten = [example for example in one.examples if example.after is not None]
    declined = [example for example in one.examples if example.declined is not None]
    if rewritten:
        out += ["", "## What it makes"]
    for example in rewritten:
        assert example.after is not None
        out += ["", f"### {capital(example.title or 'example')}", *asked(example.options), "", "Before:", ""]
        out += [*code_block(example.before), "", "After:", "", *code_block(example.after)]
    if declined:
        out += ["", "## What it declines"]
    for example in declined:
        assert example.declined is not None
        out += ["", f"### {capital(example.title or 'example')}", *asked(example.options), ""]
        out += [f"`{example.declined.value}`: {example.declined.meaning}", "", *code_block(example.before)]
    if isinstance(one, codemod_module.TreeCodemod):
        out += tree_examples(one.trees)
    return "\n".join(out)


def tree_examples(examples: Sequence[TreeExample]) -> list[str]:
    """What becomes of small trees; programs that only show it are left out."""
    out = ["", "## What it makes"]
    for example in examples:
        if example.declined is None:
            shown = {path: text for path, text in example.files.items() if path != "main.py" and text}
            out += ["", f"### {capital(example.title)}", *asked(example.options), "", "Before:", "", *in_files(shown)]
            out += ["", "After:", "", *in_files(example.after)]
    out += ["", "## What it declines"]
    for example in examples:
        if example.declined is not None:
            shown = {path: text for path, text in example.files.items() if path != "main.py" and text}
            out += ["", f"### {capital(example.title)}", *asked(example.options), ""]
            out += [f"`{example.declined.value}`: {example.declined.meaning}", "", *in_files(shown)]
    return out


def in_files(files: Mapping[str, str]) -> list[str]:
    return code_block("\n\n".join(f"# {path}\n{text}" for path, text in sorted(files.items())))


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def asked(options: Mapping[str, Any]) -> list[str]:
    if not options:
        return []
    words = [
        f"--{key.replace('_', '-')}" + ("" if value is True else f" {value}") for key, value in sorted(options.items())
    ]
    return ["", f"With `{' '.join(words)}`."]


# Commands


def commands_page() -> str:
    import click

    from codemods.cli import command as codemod_command
    from unsnarl.cli import cli

    context = click.Context(cli, info_name="unsnarl")
    out = [
        generated("the commands themselves"),
        "# Commands",
        "",
        "Results go to stdout, progress and the summary to stderr.",
        "",
        *table(
            ("exit code", "meaning"),
            [
                ("0", "nothing left to do"),
                ("1", "findings remain, or a dry run would change something"),
                ("2", f"{FAILED}: the message says what is wrong, where, and what to do"),
            ],
        ),
    ]
    for name in cli.list_commands(context):
        found = cli.get_command(context, name)
        if isinstance(found, click.Group):
            out += group_section(f"unsnarl {name}", found)
        elif found is not None and not found.hidden:
            out += command_section(f"unsnarl {name}", found)
    # Any codemod's command will do: what is left of it without its summary and its own options is shared by all.
    name = codemod_module.names()[0]
    shared = codemod_command(name)
    own = {one.name for one in codemod_module.load(name).parameters()}
    shared.params = [one for one in shared.params if one.name not in own]
    shared.help = (shared.help or "").partition("\n\n")[2]
    out += command_section("python -m codemods.<name>", shared)
    for name in codemod_module.names():
        rows = [option_row(one) for one in codemod_module.load(name).parameters()]
        if rows:
            out += ["", f"[`{name}`](codemods/{name}.md) also takes", "", *table(("option", "meaning"), rows)]
    return "\n".join(out)


def command_section(title: str, command: Any) -> list[str]:
    import click

    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    options = [option_row(one) for one in command.params if isinstance(one, click.Option) and not one.hidden]
    names = [f"{(one.name or '').upper()}{'…' if one.nargs == -1 else ''}" for one in arguments]
    usage = " ".join([title, "[OPTIONS]", *names])
    shown = ["", *table(("option", "meaning"), options)] if options else []
    # click keeps what follows a form feed out of its own help.
    text = markdown(inspect.cleandoc((command.help or "").split("\f")[0].replace("\b\n", "")))
    return ["", f"## `{title}`", "", f"    {usage}", "", text, *shown]


def group_section(title: str, group: Any) -> list[str]:
    """The commands of a group that are codemods: their options are told once for all of them."""
    import click

    rows = []
    for name in group.list_commands(click.Context(group, info_name=title)):
        module = name.replace("-", "_")
        meaning = f"{codemod_module.load(module).summary} The same as `python -m codemods.{module}`."
        rows.append((f"[`{name}`](codemods/{module}.md)", meaning))
    text = markdown(inspect.cleandoc(group.help or ""))
    shared = "The options are those of [`python -m codemods.<name>`](#python--m-codemodsname)."
    usage = f"    {title} CODEMOD [OPTIONS] PATHS…"
    return ["", f"## `{title}`", "", usage, "", text, "", *table(("codemod", "what it does"), rows), "", shared]


def option_row(parameter: Any) -> tuple[str, str]:
    import click

    names = ", ".join(f"`{one}`" for one in (*parameter.opts, *parameter.secondary_opts))
    if isinstance(parameter.type, click.Choice):
        names += " " + " or ".join(f"`{getattr(one, 'value', one)}`" for one in parameter.type.choices)
    elif isinstance(parameter, click.Option) and not parameter.is_flag and not parameter.count:
        names += f" `{parameter.metavar or parameter.type.name.upper()}`"
    return names, inline(" ".join((getattr(parameter, "help", None) or "").split()))


# Runtime


def runtime_page() -> str:
    import runtime

    out = [
        generated("the docstrings of runtime/"),
        "# The runtime package",
        "",
        inline(inspect.getdoc(runtime) or ""),
    ]
    for found in pkgutil.iter_modules(runtime.__path__, "runtime."):
        if found.name.rpartition(".")[2].startswith("_"):
            continue
        module = importlib.import_module(found.name)
        out += ["", f"## {found.name}", "", markdown(inspect.getdoc(module) or "")]
        told = public(module)
        for name in told:
            out += member(name, getattr(module, name), 3)
        for inner in pkgutil.iter_modules(getattr(module, "__path__", []), f"{found.name}."):
            if inner.name.rpartition(".")[2].startswith("_"):
                continue
            # Where the names of a package are defined is nobody's business; what is only there is.
            part = importlib.import_module(inner.name)
            names = [name for name in public(part) if name not in told and inspect.isclass(getattr(part, name))]
            if names:
                out += ["", f"## {inner.name}", "", markdown(inspect.getdoc(part) or "")]
                for name in names:
                    out += member(name, getattr(part, name), 3)
    return "\n".join(out)


def public(module: Any) -> list[str]:
    """The names of a module that are for others: ``__all__``, or what is defined there without a leading underscore."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return list(listed)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def member(name: str, value: Any, level: int) -> list[str]:
    doc = inspect.getdoc(value)
    if not doc or not (inspect.isclass(value) or inspect.isroutine(value) or isinstance(value, property)):
        return []
    out = ["", f"{'#' * level} `{name}`", ""]
    called = not isinstance(value, property) and not getattr(value, "_is_protocol", False) and not is_typeddict(value)
    if inspect.isclass(value) and issubclass(value, BaseException) and "__init__" not in vars(value):
        # Made as every exception is, by us.
        called = False
    if called:
        out += [*code_block(signature(name.rpartition(".")[2], value)), ""]
    out.append(markdown(doc))
    if inspect.isclass(value):
        for inner, one in vars(value).items():
            function = one.__func__ if isinstance(one, (classmethod, staticmethod)) else one
            if not inner.startswith("_"):
                out += member(f"{name}.{inner}", function, level + 1)
    return out


def main(argv: list[str] | None = None) -> int:
    """The exit code: 0 when the pages are, or now are, right; 1 when ``--check`` finds one that is not."""
    parser = argparse.ArgumentParser(description="Write the generated pages under docs/.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a page would change")
    check = parser.parse_args(argv).check
    made = pages()
    changed = [
        path for path, text in made.items() if not (DOCS / path).exists() or (DOCS / path).read_text("utf-8") != text
    ]
    gone = stale(made)
    if not check:
        for path in changed:
            (DOCS / path).parent.mkdir(parents=True, exist_ok=True)
            (DOCS / path).write_text(made[path], encoding="utf-8")
        for path in gone:
            (DOCS / path).unlink()
    for path in changed:
        print(f"{name(path)}: {'not up to date' if check else 'written'}")
    for path in gone:
        print(f"{name(path)}: {'of nothing that is there' if check else 'removed'}")
    if check and (changed or gone):
        print("run `make docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
