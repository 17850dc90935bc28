"""YAML as trees of nodes: by its events, so that neither depth nor aliases can exhaust anything."""

from __future__ import annotations

import re
from typing import Any

import yaml

from analysis.declared.nodes import DEPTH, Leaf, Node, Series, Table, Unreadable

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER = re.compile(r"[-+]?[0-9][0-9_]*\Z")
_NOTHING = re.compile(r"(?i)(?:~|null|true|false|yes|no|on|off|[-+]?[0-9._]*\.[0-9._]*)?\Z")


def parse(text: str) -> list[Node]:
    """The documents in ``text``. Raises Unreadable."""
    try:
        return _Builder().build(yaml.parse(text, Loader=_LOADER))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        message = " ".join((getattr(error, "problem", None) or "a character that YAML does not allow").split())
        if "{{" in text or "{%" in text:
            message = f"a template: {message}"
        raise Unreadable(message, mark.line + 1 if mark else 0, mark.column + 1 if mark else 0) from None


class _Open:
    """A collection that has not ended: ``key`` is the one that waits for its value, ``merged`` what ``<<`` brings."""

    def __init__(self, node: Table | Series) -> None:
        self.node = node
        self.key: str | None = None
        self.waits = False
        self.merged: list[Table] = []

    def add(self, node: Node) -> None:
        if isinstance(self.node, Series):
            self.node.items.append(node)
        elif not self.waits:
            self.key = str(node.value) if isinstance(node, Leaf) and node.value is not None else None
            self.waits = True
        else:
            self.waits = False
            if self.key == "<<":
                given = node.items if isinstance(node, Series) else [node]
                self.merged += [one for one in given if isinstance(one, Table)]
            elif self.key is not None:
                self.node.entries[self.key] = node

    def close(self) -> Node:
        if isinstance(self.node, Table):
            for table in self.merged:
                for key, value in table.entries.items():
                    self.node.entries.setdefault(key, value)
        return self.node


class _Builder:
    def __init__(self) -> None:
        self.documents: list[Node] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, Node] = {}

    def build(self, events: Any) -> list[Node]:
        names: list[str | None] = []
        for event in events:
            match event:
                case yaml.DocumentStartEvent():
                    self.anchors = {}
                case yaml.ScalarEvent():
                    leaf = _leaf(event)
                    if event.anchor:
                        self.anchors[event.anchor] = leaf
                    self.add(leaf)
                case yaml.AliasEvent():
                    if event.anchor not in self.anchors:
                        raise Unreadable("an alias of nothing", *_place(event))
                    self.add(self.anchors[event.anchor])
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    if len(self.stack) >= DEPTH:
                        raise Unreadable("it nests too deep", *_place(event))
                    names.append(event.anchor)
                    self.stack.append(_Open(Table() if isinstance(event, yaml.MappingStartEvent) else Series()))
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    node = self.stack.pop().close()
                    name = names.pop()
                    # An alias inside of what it names would never end: only what is whole has a name.
                    if name:
                        self.anchors[name] = node
                    self.add(node)
        return self.documents

    def add(self, node: Node) -> None:
        if self.stack:
            self.stack[-1].add(node)
        else:
            self.documents.append(node)


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _leaf(event: Any) -> Leaf:
    line, column = _place(event)
    text: str = event.value
    quoted = event.style in ("'", '"')
    if (event.anchor or event.tag) and event.end_mark.line + 1 == line:
        # An anchor and a tag stand before the value itself.
        column = max(column, event.end_mark.column + 1 - len(text) - 2 * quoted)
    if quoted:
        return Leaf(text, line, column + 1)
    if event.style in ("|", ">"):
        # The text starts on a line of its own, indented by what only the parser knows.
        return Leaf(text, line, column)
    if event.tag in (None, "!", "tag:yaml.org,2002:int") and _NUMBER.match(text):
        return Leaf(int(text.replace("_", "")), line, column)
    return Leaf(None if _NOTHING.match(text) else text, line, column)
