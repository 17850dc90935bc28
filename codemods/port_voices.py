"""What the source says of whose a port is, at the places that write it down.

A name is put in where the source agrees with it, or says nothing and is not contradicted elsewhere. A name that is a
guess reads like knowledge, and does more harm than a number.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from codemods.port_names import agree, holder, is_host_of, joined, label, tells, usable, words

if TYPE_CHECKING:
    from analysis.collectors.port_literals import PortLiteral
    from config.registry import Port

HEALTH = frozenset({"HEALTH", "HEALTHCHECK"})
_CONTAINER = frozenset({"address", "socket", "key"})
"""How a number is written down for somebody else as often as not, so that the class around it says nothing."""


def telling(literal: PortLiteral) -> str:
    """The nearest name that says whose port it is; empty where none does."""
    around = () if literal.evidence == "parameter" else literal.around
    return next((text for text in (literal.name, *around) if label(text)[1]), "")


def heard(literal: PortLiteral, machines: Iterable[str]) -> str:
    """What a literal is called, as a name that tells whose port it is and which; empty where nothing does.

    A name of one of ``machines`` tells where it is and not whose.
    """
    text = telling(literal)
    if not text or {one for one in words(label(text)[0]) if tells(one)} <= set(_places(machines)):
        return ""
    if text == literal.name:
        return label(text)[0]
    # The name of a class or of an agent is kept whole: MemoryClient is not Memory.
    name = label(text)[0] if "_" in text or text.islower() else usable("_".join(words(text)))
    return joined(name, label(literal.name)[0])


def _places(machines: Iterable[str]) -> set[str]:
    return {"".join(words(one)) for one in machines} | {one for name in machines for one in words(name)}


def said(literal: PortLiteral, path: str, entry: Port, machines: Iterable[str], *, home: bool) -> bool | None:
    """Whether a literal of the file at ``path`` agrees that its port is that of ``entry``; None where it says nothing.

    ``home``: it stands in the file of who binds the port. A host that is called after one of ``machines`` says nothing.
    """
    names = (entry.name, entry.owner)
    text = telling(literal)
    if text:
        return agree(text, names)
    places = _places(machines)
    named = (one for one in literal.hosts if one[:1].isalpha() and one != "localhost")
    hosts = [one for one in named if "".join(words(one)) not in places]
    if hosts:
        return all(is_host_of(one, names) for one in hosts)
    if HEALTH & set(words(literal.name)) and not HEALTH & set(words(entry.name)) and not home:
        return False
    if home:
        return True
    # Of the function around it only agreement counts: most are called after what they do.
    function = [*literal.scope.split(".")[-1:], *(literal.around if literal.evidence == "parameter" else ())]
    if any({one for one in words(each) if tells(one)} & set(words(entry.name)) for each in function):
        return True
    if literal.evidence in _CONTAINER or not entry.owner:
        return None
    around = holder(path, literal.scope)
    return agree(around, names) if label(around)[1] else None
