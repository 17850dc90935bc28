"""The ports in YAML, TOML and JSON: by the names of their keys and by the addresses they hold."""

from __future__ import annotations

import re
from typing import NamedTuple

from analysis.declared.nodes import Leaf, Node, Series, Table, Unreadable
from analysis.declared.records import By, Declared
from analysis.declared.scripts import script_in
from analysis.declared.texts import address_of, port_of
from analysis.port_names import speaks_of_port
from analysis.values.terms import Term, Unknown

_MOST = 100_000
"""Aliases of aliases unfold to more than any file could say."""
_PLAIN = frozenset(
    {"config", "configuration", "settings", "params", "parameters", "options", "environment", "env", "env_vars"}
    | {"defaults", "default", "global", "global_settings", "spec", "template", "metadata", "data", "ports", "network"}
    | {"networking", "tool", "properties"}
)
"""Keys that say nothing of whose the values below them are."""
_NO_PORT = frozenset({"start", "end", "min", "max", "minimum", "maximum", "from", "to", "count", "step", "reserved"})
"""Keys below ``ports`` that bound a range."""
_ADDRESS = re.compile(
    r"(?i)(?:^|[_.-])(?:endpoints?|addr(?:ess(?:es)?)?|ur[li]s?|targets?|servers?|brokers?|bind|listen|hosts?|peers?)\Z"
)
_ROLE = re.compile(r"(?i)(?:^|[_.-])(?:ports?|endpoints?|addr(?:ess)?|ur[li]|targets?)\Z")
_CAMEL = re.compile(r"(?<=[a-z0-9])P(orts?)\Z")
_WORD = re.compile(r"\S+")
_COMMANDS = frozenset({"command", "args", "test", "entrypoint", "cmd", "command_args", "launch_command"})
_OPTION = re.compile(r"--?(?P<name>[\w-]+)(?:=|\s+)(?P<port>[0-9]{2,5}|\$\{[^}]*\}|\$\w+)(?![\w.-])")


class Owner(NamedTuple):
    """Whose a value is: the name and the script of the entry it lies in, and how many keys lead to that."""

    name: str
    script: str
    depth: int


NO_ONE = Owner("", "", 0)
"""What no entry of a file owns is the file's own."""


class Entries:
    """Finds what the documents of one file declare. ``records`` has it, in no order."""

    def __init__(self, by: By) -> None:
        self.by = by
        self.records: list[Declared] = []
        self._visited = 0

    def document(self, node: Node) -> None:
        """Take in one document. Raises Unreadable when its aliases unfold without end."""
        self.visit(node, (), "", NO_ONE, False)

    def visit(self, node: Node, keys: tuple[str, ...], path: str, owner: Owner, ports: bool) -> None:
        """Take in ``node``, which ``keys`` lead to. ``ports``: numbers in it are ports, whatever they are called."""
        self._visited += 1
        if self._visited > _MOST:
            raise Unreadable("its aliases unfold to too much")
        if isinstance(node, Leaf):
            self.leaf(node, keys, path, owner, ports)
        elif isinstance(node, Series):
            for at, item in enumerate(node.items):
                self.visit(item, keys, f"{path}[{at}]", owner, ports)
        else:
            self.table(node, keys, path, owner, ports)

    def table(self, node: Table, keys: tuple[str, ...], path: str, owner: Owner, ports: bool) -> None:
        """Take in a table, which may be an entry of its own."""
        owner = self.owner(node, keys, owner, ports)
        named = node.get("value")
        name = node.text("name")
        if isinstance(named, Leaf) and name:
            # `env: [{name: X_PORT, value: 5556}]`
            self.leaf(named, (*keys, name), f"{path}.value".lstrip("."), owner, False)
            return
        host = node.text("host", "hostname", "ip", "bind_address")
        for key, value in node.entries.items():
            below = f"{path}.{key}" if path else key
            inner = (*keys, key)
            if isinstance(value, Leaf):
                label = (*keys, name, key) if ports and name else inner
                self.leaf(value, label, below, owner, ports and key not in _NO_PORT, host)
            else:
                plural = key.lower().endswith("ports") and speaks_of_port(key)
                listed = isinstance(value, Series) and speaks_of_port(key)
                inside = ports and isinstance(value, Table) and key not in _NO_PORT
                self.visit(value, inner, below, owner, plural or listed or inside)

    def owner(self, node: Table, keys: tuple[str, ...], owner: Owner, ports: bool) -> Owner:
        """Who the values in ``node`` belong to: the entry that it is, or the one around it."""
        script = script_in(node)
        name = "" if ports else node.text("name", "agent_name", "AGENT_NAME")
        metadata = node.get("metadata")
        if not name and isinstance(metadata, Table):
            name = metadata.text("name")
        key = keys[-1] if keys else ""
        if script:
            return Owner(name or key or owner.name, script, len(keys))
        if owner.script:
            return owner
        if name and (node.get("value") is None):
            return Owner(name, "", len(keys))
        if key and key.lower() not in _PLAIN and not speaks_of_port(key) and not isinstance(metadata, Table):
            holds = any(speaks_of_port(one) and not isinstance(value, Table) for one, value in node.entries.items())
            if holds and owner == NO_ONE:
                return Owner(key, "", len(keys))
        return owner

    def leaf(self, leaf: Leaf, keys: tuple[str, ...], path: str, owner: Owner, ports: bool, host: str = "") -> None:
        """Take in one value that ``keys`` lead to."""
        if leaf.value is None or not keys:
            return
        key = keys[-1]
        if ports or speaks_of_port(key):
            term = port_of(leaf.value)
            if term is not None and not (ports and isinstance(term, Unknown) and not speaks_of_port(key)):
                if ports and owner == NO_ONE and not speaks_of_port(key):
                    owner = Owner(key, "", len(keys))
                self.note(leaf.column, leaf.line, owner, keys, path, host, "tcp", term)
                return
        if not isinstance(leaf.value, str):
            return
        if key in _COMMANDS:
            self.command(leaf, keys, path, owner)
            return
        found = address_of(leaf.value, ports or bool(_ADDRESS.search(key)))
        if found is not None:
            transport = found.transport or "tcp"
            at = leaf.column + found.offset
            self.note(at, leaf.line, owner, keys, path, found.host, transport, found.port, asked=())

    def command(self, leaf: Leaf, keys: tuple[str, ...], path: str, owner: Owner) -> None:
        """Take in a command line: its options that speak of ports, and its addresses."""
        text = str(leaf.value)
        for option in _OPTION.finditer(text):
            term = port_of(option["port"]) if speaks_of_port(option["name"]) else None
            if term is not None:
                column = leaf.column + option.start("port")
                inner = (*keys[:-1], option["name"].replace("-", "_"))
                # What asks whether a service is well is another program.
                asked = (f"--{option['name']}",) if keys[-1] != "test" else ()
                self.note(column, leaf.line, owner, inner, path, "", "tcp", term, asked=asked)
        for word in _WORD.finditer(text):
            found = address_of(word[0], False)
            if found is not None:
                column = leaf.column + word.start() + found.offset
                self.note(column, leaf.line, owner, keys, path, found.host, found.transport, found.port, asked=())

    def note(
        self,
        column: int,
        line: int,
        owner: Owner,
        keys: tuple[str, ...],
        path: str,
        host: str,
        transport: str,
        *terms: Term,
        asked: tuple[str, ...] | None = None,
    ) -> None:
        """Note down a port. ``asked``: how code may ask for it, where that is not by ``keys``."""
        inner = keys[owner.depth :]
        record = Declared(
            line,
            column,
            "declare",
            self.by,
            owner.name,
            owner.script,
            purpose_of(inner),
            transport,
            host,
            terms,
            path,
            inner if asked is None else asked,
        )
        self.records.append(record)


def purpose_of(keys: tuple[str, ...]) -> str:
    """What a port is for, by the keys from its entry to it: ``health_check_port`` is for ``health_check``."""
    words = [_ROLE.sub("", _CAMEL.sub(r"_p\1", key)).strip("_.-") for key in keys if key.lower() not in _PLAIN]
    return ".".join(filter(None, words)).lower()
