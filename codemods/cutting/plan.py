"""The plan of ``event_bus`` as a YAML file, which a person can read, change and hand back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import yaml

from analysis.words import plural
from codemods.codemod import Impossible
from config.settings import nearest

VERSION = 1
LEAVE = "leave"
HOW = {
    "late": "import it in the functions that use it, and for type checkers where annotations do",
    "redirect": "take the names from the module that defines them",
    "extract": "move the names, and all that they need, into a module of their own",
    "events": "ask over the bus for what is called there, which the other file answers where it starts",
    LEAVE: "do not touch it",
}
"""What can be done about an import, by the word in the plan."""
_KEYS = ("importer", "imported", "how", "names", "lines", "why")
_NEEDED = ("importer", "imported", "how")


class Item(msgspec.Struct, frozen=True):
    """What to do about the imports of ``imported`` by ``importer``, which are paths in the tree.

    ``how`` is one of ``HOW``. ``names``, ``lines`` and ``why`` are there to be read: nothing depends on them. ``line``
    is where the item begins in the file, 0 for one that does not come from a file.
    """

    importer: str
    imported: str
    how: str
    names: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    why: str = ""
    line: int = 0


def written(items: Sequence[Item]) -> bytes:
    """The text of a plan."""
    left = sum(one.how == LEAVE for one in items)
    head = [
        "What to do so that files do not import each other in a circle:",
        f"{plural(len(items) - left, 'import')} to cut, {left} left.",
        "Change `how`, or take an item out to leave that import as it is; then run",
        "    python -m codemods.event_bus --plan THIS_FILE",
        "",
        *(f"{word}: {meaning}" for word, meaning in HOW.items()),
    ]
    text = "".join(f"# {line}".rstrip() + "\n" for line in head) + f"version: {VERSION}\ncuts:"
    if not items:
        return (text + " []\n").encode()
    made = [{key: value for key in _KEYS if (value := _plain(getattr(one, key)))} for one in items]
    return (
        text + "\n" + yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=1000, default_flow_style=None)
    ).encode()


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def read(file: Path) -> list[Item]:
    """The items of a plan. Raises Impossible, which says what is wrong in which line."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Impossible(f"--plan: {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Impossible(f"--plan: {file} is not UTF-8; save it as UTF-8") from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        _fail(file, mark.line + 1 if mark else 1, f"is not valid YAML: {error.problem}")
    except (yaml.YAMLError, RecursionError) as error:
        _fail(file, 1, f"is not valid YAML: {error}")
    top = dict(_entries(file, root, ("version", "cuts"), "a plan has"))
    if "version" not in top or _scalar(file, top["version"]) != str(VERSION):
        _fail(file, _line(root), f"expected `version: {VERSION}`; write the plan anew with --write-plan")
    cuts = top.get("cuts")
    if not isinstance(cuts, yaml.SequenceNode):
        _fail(file, _line(cuts or root), "expected `cuts:` and a list below it")
    found: dict[tuple[str, str], Item] = {}
    for node in cuts.value:
        item = _item(file, node)
        pair = item.importer, item.imported
        if pair in found:
            _fail(file, item.line, f"the same two files stand in line {found[pair].line}; take one of them out")
        found[pair] = item
    return list(found.values())


def _item(file: Path, node: yaml.Node) -> Item:
    entries = dict(_entries(file, node, _KEYS, "an item has"))
    for key in _NEEDED:
        if key not in entries:
            _fail(file, _line(node), f"`{key}` is missing")
    values = {key: _scalar(file, entries[key]) for key in _NEEDED}
    if values["how"] not in HOW:
        _fail(file, _line(entries["how"]), f"`how: {values['how']}` is not known; {nearest(values['how'], HOW)}")
    return Item(values["importer"], values["imported"], values["how"], line=_line(node))


def _entries(file: Path, node: yaml.Node | None, valid: Sequence[str], what: str) -> Iterator[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        _fail(file, _line(node), f"expected a mapping: {what} {', '.join(f'`{one}`' for one in valid)}")
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        if name not in valid:
            _fail(file, _line(key), f"unknown key `{name}`; {nearest(name, valid)}")
        if name in seen:
            _fail(file, _line(key), f"`{name}` stands there twice")
        seen.add(name)
        yield name, value


def _scalar(file: Path, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        _fail(file, _line(node), "expected a single word or path")
    return str(node.value)


def _line(node: yaml.Node | None) -> int:
    return node.start_mark.line + 1 if node is not None else 1


def _fail(file: Path, line: int, problem: str) -> NoReturn:
    raise Impossible(f"{file}:{line}: {problem}. Nothing was written")
