"""Text for the generated pages: docstrings as Markdown, types and values as a settings file has them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args, get_origin


def generated(source: str) -> str:
    return f"<!-- Written by tools/docs.py from {source}: change it there, then run `make docs`. -->\n"


def sentence(text: str) -> str:
    text = text.strip()
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", ":")) else f"{text}."


def inline(text: str) -> str:
    """Double backquotes, as docstrings have them, as the single ones of Markdown."""
    return re.sub(r"``([^`]+)``", r"`\1`", text)


def code_block(text: str, language: str = "python") -> list[str]:
    return [f"```{language}", *textwrap.dedent(text).strip("\n").splitlines(), "```"]


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        cells = [cell.replace("|", "\\|") for cell in row]
        yield f"| {' | '.join(cells)} |"


def markdown(doc: str) -> str:
    """A docstring as Markdown: fenced blocks stay, an indented block becomes one, reST's double backquotes go."""
    out: list[str] = []
    block: list[str] = []
    fenced = False
    for line in [*doc.splitlines(), ""]:
        if block or (line.startswith("    ") and not fenced and (not out or not out[-1])):
            if not line or line.startswith("    "):
                block.append(line)
                continue
            out += [*code_block("\n".join(block)), ""]
            block = []
        if line.startswith("```"):
            fenced = not fenced
        out.append(line if fenced else inline(re.sub(r"::$", ":", line)))
    if block:
        out += code_block("\n".join(block))
    return "\n".join(out).strip()


def meanings(doc: str) -> dict[str, str]:
    """What a docstring says of each field: entries that begin a line with the name or names and a colon or a verb."""
    entries: list[str] = []
    for line in re.sub(r"(?<=\.) (?=``\w+``:)", "\n", doc).splitlines():
        if re.match(r"``\w+``", line):
            entries.append(line.strip())
        elif not line.strip():
            entries.append("")
        elif entries and entries[-1]:
            entries[-1] += " " + line.strip()
    told: dict[str, str] = {}
    for entry in entries:
        match = re.match(r"((?:``\w+``(?:, | and |; )?)+):?\s*(.+)", entry)
        if match:
            for name in re.findall(r"``(\w+)``", match[1]):
                told[name] = sentence(inline(match[2]))
    return told


def plain_type(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " or ".join(f"`{toml(one)}`" for one in arguments)
    if origin is tuple:
        return f"list of {plural(arguments[0])}"
    if origin is dict:
        return f"table of {plural(arguments[1])}"
    if arguments:
        return " or ".join(plain_type(one) for one in arguments if one is not type(None))
    return {str: "string", bool: "boolean", int: "integer", float: "number"}.get(kind, getattr(kind, "__name__", "any"))


def plural(kind: Any) -> str:
    spoken = plain_type(kind)
    if get_origin(kind) is tuple:
        return spoken.replace("list", "lists", 1)
    if get_origin(kind) is dict:
        return "tables"
    return f"{spoken}s"


def toml(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case dict():
            return "{" + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + "}"
        case tuple() | list():
            return "[" + ", ".join(map(toml, value)) + "]"
    return str(value)
