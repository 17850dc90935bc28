"""Text for the generated pages: docstrings as Markdown, types and values as a settings file has them."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any, ForwardRef, Literal, get_args, get_origin

import msgspec


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


SECTION = re.compile(r"(Args|Attributes|Raises|Returns|Yields):$")


def markdown(doc: str) -> str:
    """A docstring as Markdown: fenced blocks stay, an indented block becomes one, reST's double backquotes go, and a
    section such as ``Raises:`` becomes a list.
    """
    out: list[str] = []
    lines = [*doc.splitlines(), ""]
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith("```"):
            end = lines.index("```", at + 1) + 1
            out += lines[at:end]
        elif SECTION.match(line) or (line.startswith("    ") and (not out or not out[-1])):
            end = at + 1
            while end < len(lines) and (not lines[end] or lines[end].startswith("    ")):
                end += 1
            block = textwrap.dedent("\n".join(lines[at + 1 if SECTION.match(line) else at : end])).strip("\n")
            out += [*(entries(line, block) if SECTION.match(line) else code_block(block)), ""]
        else:
            end = at + 1
            out.append(inline(re.sub(r"::$", ":", line)))
        at = end
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip()


def entries(title: str, block: str) -> list[str]:
    """The entries of a section of a docstring, each ``name: meaning``, as a list."""
    out = ["", f"**{title.rstrip(':')}**", ""]
    for line in block.splitlines():
        if line.startswith(" "):
            out[-1] += f" {inline(line.strip())}"
            continue
        name, colon, meaning = line.partition(": ")
        out.append(f"- `{name}`: {inline(meaning)}" if colon else f"- {inline(line)}")
    return out


def signature(name: str, function: Any) -> str:
    """How ``function`` is called, with the annotations as they are written, whatever Python this runs on."""
    shown: list[str] = []
    kind = None
    for one in inspect.signature(function).parameters.values():
        if one.name in {"self", "cls"} and not shown:
            continue
        if kind == one.POSITIONAL_ONLY != one.kind:
            shown.append("/")
        if one.kind == one.KEYWORD_ONLY and kind not in {one.KEYWORD_ONLY, one.VAR_POSITIONAL}:
            shown.append("*")
        kind = one.kind
        stars = "*" if one.kind == one.VAR_POSITIONAL else "**" if one.kind == one.VAR_KEYWORD else ""
        text = stars + one.name
        if one.annotation is not one.empty:
            text += f": {_annotation(one.annotation)}"
        if one.default is not one.empty:
            text += f" = {_default(one.default)}"
        shown.append(text)
    if kind == inspect.Parameter.POSITIONAL_ONLY:
        shown.append("/")
    returned = inspect.signature(function).return_annotation
    told = inspect.isclass(function) or returned is inspect.Signature.empty
    return f"{name}({', '.join(shown)})" + ("" if told else f" -> {_annotation(returned)}")


def _annotation(annotation: Any) -> str:
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def _default(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_default, value))}{',' if len(value) == 1 else ''})"
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    return getattr(value, "__name__", "…")


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
    if get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
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
