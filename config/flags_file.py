"""Reads ``config/feature_flags.yaml``: the schema of the flags."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from typing import Any

import yaml
from yaml import Node, ScalarNode

from .document_reader import DocumentReader, Item, is_nothing, is_plain, join, line_of, spoken
from .documents import hint
from .flags import (
    AGENT_NAME,
    FLAG_NAME,
    FLOAT,
    KINDS,
    MACHINE_NAME,
    VERSION,
    Flag,
    FlagError,
    Flags,
    Value,
    listed,
    written,
)

_START = "start it with `version: 1` and `flags:`"
_KEYS = ("default", "type", "description", "owner", "until", "choices", "machines", "agents")
_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,17})")
_SWITCHES = {"true": True, "false": False}
_NEARLY = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_SPOKEN = {"bool": "`true` or `false`", "int": "a whole number", "float": "a number", "str": "a text"}


class Reader(DocumentReader):
    """Turns the text of one file into flags; ``file`` is what its errors name."""

    error = FlagError
    what = "a file of flags"
    known = VERSION

    def flags(self, data: bytes | str) -> Flags:
        """The flags in ``data``. Raises FlagError."""
        root = self.compose(self.text(data))
        if root is None:
            self.fail("", 1, f"is empty; {_START}")
        items = {item.key: item for item in self.items(root, "", ("version", "flags"), "the flags")}
        if "version" not in items:
            self.fail("version", line_of(root), f"is missing: write `version: {VERSION}`")
        self.version(items["version"])
        if "flags" not in items:
            self.fail("flags", line_of(root), "is missing: write `flags:` and the names below it")
        if is_nothing(items["flags"].node):
            return Flags({}, self.file)
        letters = "letters, digits and `_`, and does not begin with a digit"
        found = [self._flag(one) for one in self.names(items["flags"], "flags", FLAG_NAME, letters)]
        return Flags({one.name: one for one in found}, self.file)

    def instead(self, node: Node, valid: tuple[str, ...]) -> str:
        """A value alone is what most people write first."""
        return f"; write `default: {node.value}` below it" if "default" in valid and _is_value(node) else ""

    def _flag(self, item: Item) -> Flag:
        at = join("flags", item.key)
        items = {one.key: one for one in self.items(item.node, at, _KEYS, "a flag")}
        if "default" not in items:
            self.fail(at, item.line, "has no `default`: write what it is where nothing else says so")
        kind = self._kind(items, at)
        parts: dict[str, Any] = {
            key: self.line_of_text(items[key].node, join(at, key)) for key in ("description", "owner") if key in items
        }
        if "until" in items:
            parts["until"] = self._date(items["until"].node, join(at, "until"))
        if "choices" in items:
            parts["choices"] = self._choices(items["choices"].node, join(at, "choices"), kind)
        choices: tuple[Value, ...] = parts.get("choices", ())
        parts["default"] = self._value(items["default"].node, join(at, "default"), kind, choices)
        for key, pattern, letters in (
            ("machines", MACHINE_NAME, "letters, digits, `_`, `.` and `-`"),
            ("agents", AGENT_NAME, "letters, digits, `_`, `.` and `-`, and `@` and a machine behind it"),
        ):
            if key in items and not is_nothing(items[key].node):
                where = join(at, key)
                # A name may be there in two spellings: agents are classes.
                parts[key] = {
                    one.key: self._value(one.node, join(where, one.key), kind, choices)
                    for one in self.names(items[key], where, pattern, letters)
                }
        return Flag(item.key, kind, line=item.line, **parts)

    def _kind(self, items: dict[str, Item], at: str) -> str:
        if "type" in items:
            node = items["type"].node
            kind = self.line_of_text(node, join(at, "type"))
            if kind not in KINDS:
                self.fail(join(at, "type"), line_of(node), f"`{kind}` is no type of a flag; {hint(kind, KINDS)}")
            return kind
        node = items["default"].node
        if not isinstance(node, ScalarNode) or is_nothing(node):
            told = "expected true or false, a number or a text"
            self.fail(join(at, "default"), line_of(node), f"{told}, got {spoken(node)}")
        if not is_plain(node):
            return "str"
        if node.value in _SWITCHES:
            return "bool"
        if node.value.lower() in _SWITCHES or node.value.lower() in _NEARLY:
            self._nearly(node, join(at, "default"))
        return "int" if _INTEGER.fullmatch(node.value) else "float" if FLOAT.fullmatch(node.value) else "str"

    def _nearly(self, node: ScalarNode, at: str) -> None:
        word = node.value.lower()
        told = f"write `{_NEARLY.get(word, word)}` for a switch, or put it in quotes for a text"
        self.fail(at, line_of(node), f"`{node.value}` may mean two things: {told}")

    def _value(self, node: Node, at: str, kind: str, choices: tuple[Value, ...]) -> Value:
        value = self._scalar(node, kind) if isinstance(node, ScalarNode) else None
        if value is None:
            told = f"; write `{_NEARLY[word]}`" if kind == "bool" and (word := _word(node)) in _NEARLY else ""
            if isinstance(node, ScalarNode) and "$" in node.value:
                told = "; nothing is filled in here: write the value, and set UNSNARL_FLAG_… to change it"
            self.fail(at, line_of(node), f"expected {_SPOKEN[kind]}, got {spoken(node)}{told}")
        if choices and value not in choices:
            self.fail(at, line_of(node), f"`{written(value)}` is none of the choices {listed(choices)}")
        return value

    @staticmethod
    def _scalar(node: ScalarNode, kind: str) -> Value | None:
        text = node.value
        if kind == "str":
            return None if is_nothing(node) or not text.isprintable() else text
        if not is_plain(node):
            return None
        if kind == "bool":
            return _SWITCHES.get(text)
        if _INTEGER.fullmatch(text):
            return int(text) if kind == "int" else float(text)
        return float(text) if kind == "float" and FLOAT.fullmatch(text) else None

    def _choices(self, node: Node, at: str, kind: str) -> tuple[Value, ...]:
        if kind == "bool":
            self.fail(at, line_of(node), "a switch has two values; leave the choices out")
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self.fail(at, line_of(node), f"expected a list of values, got {spoken(node)}")
        found = [self._value(one, f"{at}[{i}]", kind, ()) for i, one in enumerate(node.value)]
        for i, one in enumerate(found):
            if one in found[:i]:
                self.fail(f"{at}[{i}]", line_of(node.value[i]), f"`{written(one)}` is there twice; keep one of them")
        return tuple(found)

    def _date(self, node: Node, at: str) -> date:
        text, found = self.line_of_text(node, at), None
        with suppress(ValueError):  # the 31st of June
            found = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
        if found is None:
            self.fail(at, line_of(node), f"expected a day such as 2027-03-31, got {spoken(node)}")
        return found


def _word(node: Node) -> str:
    return node.value.lower() if isinstance(node, ScalarNode) else ""


def _is_value(node: Node) -> bool:
    return isinstance(node, ScalarNode) and not is_nothing(node)
