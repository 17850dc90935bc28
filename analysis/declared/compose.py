"""The services of compose files: ports that they publish, expose and are told."""

from __future__ import annotations

from typing import NamedTuple

from analysis.declared.entries import Entries, Owner
from analysis.declared.nodes import Leaf, Node, Series, Table, leaves
from analysis.declared.records import Declared
from analysis.declared.scripts import script_in
from analysis.declared.texts import ports_of
from analysis.values.terms import Term, choice

_SERVICE = frozenset({"image", "build", "ports", "expose", "command", "extends", "container_name", "depends_on"})
_PROTOCOLS = ("/tcp", "/udp", "/sctp")


class Part(NamedTuple):
    """One part of a short port entry, and where it stands in it."""

    text: str
    offset: int


class Short(NamedTuple):
    """``127.0.0.1:8080:80/udp`` in its parts; ``published`` is None where the machine's port is left open."""

    host: str
    published: Part | None
    target: Part
    protocol: str


def is_compose(document: Node) -> bool:
    """Whether a YAML document is a compose file by what stands in it."""
    services = document.get("services") if isinstance(document, Table) else None
    return isinstance(services, Table) and any(
        isinstance(one, Table) and not _SERVICE.isdisjoint(one.entries) for one in services.entries.values()
    )


def short(text: str) -> Short:
    """An entry of ``ports`` in its parts. Colons inside ``${X:-1}`` and ``[::1]`` part nothing."""
    protocol = next((one for one in _PROTOCOLS if text.lower().endswith(one)), "")
    whole = text[: len(text) - len(protocol)]
    parts: list[Part] = []
    depth = start = 0
    for at, character in enumerate(whole):
        if character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
        elif character == ":" and depth <= 0:
            parts.append(Part(whole[start:at], start))
            start = at + 1
    target = Part(whole[start:], start)
    published = parts[-1] if parts and parts[-1].text else None
    host = whole[: parts[-1].offset - 1] if len(parts) > 1 else ""
    return Short(host, published, target, protocol[1:].lower() or "tcp")


class Compose:
    """Finds what a compose file declares, in ``entries.records``."""

    def __init__(self, entries: Entries) -> None:
        self.entries = entries

    def document(self, node: Node) -> None:
        """Take in one document. Raises Unreadable when its aliases unfold without end."""
        if not isinstance(node, Table):
            return
        for key, value in node.entries.items():
            if key == "services" and isinstance(value, Table):
                for name, service in value.entries.items():
                    if isinstance(service, Table):
                        self.service(name, service, f"services.{name}")
            elif not key.startswith("x-"):
                # What stands below `x-…` counts where a service takes it in.
                self.entries.visit(value, (key,), key, Owner(key, "", 1), False)

    def service(self, name: str, service: Table, path: str) -> None:
        """Take in one service."""
        owner = Owner(name, script_in(service), 0)
        for key, value in service.entries.items():
            below = f"{path}.{key}"
            if key in ("ports", "expose"):
                items = value.items if isinstance(value, Series) else [value]
                for at, item in enumerate(items):
                    self.port(item, owner, f"{below}[{at}]", key == "expose")
            elif key == "environment" and isinstance(value, Series):
                for at, leaf in enumerate(leaves(value)):
                    self.variable(leaf, owner, f"{below}[{at}]")
            else:
                self.entries.visit(value, (key,), below, owner, False)

    def port(self, item: Node, owner: Owner, path: str, exposed: bool) -> None:
        """Take in an entry of ``ports`` or ``expose``."""
        if isinstance(item, Table):
            self.long(item, owner, path)
        elif isinstance(item, Leaf) and item.value is not None:
            parts = short(str(item.value))
            inner = ports_of(parts.target.text)
            purpose = "expose" if exposed else "target"
            if parts.published is not None and not exposed:
                outer = taken(ports_of(parts.published.text), inner)
                column = item.column + parts.published.offset
                self.note(item.line, column, "published", owner, parts.protocol, parts.host, outer, path)
            self.note(item.line, item.column + parts.target.offset, purpose, owner, parts.protocol, "", inner, path)

    def long(self, item: Table, owner: Owner, path: str) -> None:
        """Take in an entry of ``ports`` with a key for each part."""
        protocol = item.text("protocol").lower() or "tcp"
        target = item.get("target")
        inner = ports_of(str(target.value)) if isinstance(target, Leaf) else ()
        published = item.get("published")
        if isinstance(published, Leaf) and published.value is not None:
            outer = taken(ports_of(str(published.value)), inner)
            host = item.text("host_ip")
            place = f"{path}.published"
            self.note(published.line, published.column, "published", owner, protocol, host, outer, place)
        if isinstance(target, Leaf):
            self.note(target.line, target.column, "target", owner, protocol, "", inner, f"{path}.target")

    def variable(self, leaf: Leaf, owner: Owner, path: str) -> None:
        """Take in ``NAME=VALUE`` of a list of variables."""
        name, equals, text = str(leaf.value).partition("=")
        if equals:
            inner = Leaf(text, leaf.line, leaf.column + len(name) + 1)
            self.entries.leaf(inner, ("environment", name), f"{path}.{name}", owner, False)

    def note(
        self,
        line: int,
        column: int,
        purpose: str,
        owner: Owner,
        protocol: str,
        host: str,
        terms: tuple[Term, ...],
        path: str,
    ) -> None:
        """Note down the ports of one part."""
        if terms:
            made = Declared(
                line,
                column,
                "publish" if purpose == "published" else "declare",
                self.entries.by,
                owner.name,
                owner.script,
                purpose,
                protocol,
                host,
                terms,
                path,
            )
            self.entries.records.append(made)


def taken(outer: tuple[Term, ...], inner: tuple[Term, ...]) -> tuple[Term, ...]:
    """The machine's ports: of a range for a single port in the container, one is chosen."""
    return (choice(outer),) if len(outer) > 1 and len(inner) == 1 else outer
