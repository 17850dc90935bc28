"""Files of lines: ``.env`` files and Dockerfiles."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from analysis.declared.entries import NO_ONE, Entries, Owner
from analysis.declared.scripts import script_of
from analysis.declared.texts import address_of, port_of, ports_of
from analysis.port_names import is_measure, speaks_of_port
from analysis.values.terms import Term

_SET = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][\w.]*)\s*=[ \t]*(?P<value>\"[^\"]*\"|'[^']*'|[^\s#]\S*|)")
_PAIR = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>\"(?:[^\"\\]|\\.)*\"|'[^']*'|\S*)")
_OLD = re.compile(r"(?P<name>[A-Za-z_]\w*)\s+(?P<value>\S.*)")
_OPTIONS = re.compile(r"(?i)(?:^|_)(?:conf|config|opts?|options?|flags?|args|arguments|params?|limits?)\Z")
_INSTRUCTION = re.compile(r"\s*(?P<word>[A-Za-z]+)\s+")
_ESCAPE = re.compile(r"#\s*escape\s*=\s*`", re.IGNORECASE)
_WORD = re.compile(r"[^\s\"',\[\]]+")
_PORT = re.compile(r"(?P<port>[^/\s]+)(?:/(?P<protocol>tcp|udp|sctp))?\Z", re.IGNORECASE)


def env(text: str, entries: Entries) -> None:
    """Take in the variables of a ``.env`` file."""
    known: dict[str, Term] = {}
    for number, line in enumerate(text.splitlines(), 1):
        found = _SET.match(line)
        if found is not None:
            _variable(found, 0, number, 1, entries, NO_ONE, known, "")


def _variable(
    found: re.Match[str],
    base: int,
    line: int,
    column: int,
    entries: Entries,
    owner: Owner,
    known: dict[str, Term],
    prefix: str,
) -> None:
    """Take in one variable that ``found`` has, whose text begins at ``base``, which is at ``line`` and ``column``."""
    name, text = found["name"], found["value"]
    at = column + found.start("value") - base
    if text[:1] in ("'", '"') and len(text) > 1:
        text, at = text[1:-1], at + 1
    term = port_of(text, known) if speaks_of_port(name) else None
    if term is not None:
        known[name] = term
        entries.note(at, line, owner, (name,), f"{prefix}{name}", "", "tcp", term, asked=("environment", name))
        return
    # Options are written `name:number`, too: PYTORCH_CUDA_ALLOC_CONF=max_split_size_mb:128.
    address = address_of(text, not _OPTIONS.search(name), known)
    if address is not None and not is_measure(address.host):
        transport = address.transport or "tcp"
        at += address.offset
        entries.note(at, line, owner, (name,), f"{prefix}{name}", address.host, transport, address.port, asked=())


def dockerfile(text: str, entries: Entries) -> None:
    """Take in a Dockerfile."""
    instructions = list(_instructions(text))
    script = ""
    for word, whole, _ in instructions:
        if word in ("CMD", "ENTRYPOINT"):
            script = script_of(_words(whole)) or script
    owner = Owner("", script, 0)
    known: dict[str, Term] = {}
    for word, whole, starts in instructions:
        if word in ("ENV", "ARG"):
            pairs = list(_PAIR.finditer(whole)) or list(_OLD.finditer(whole))
            for found in pairs:
                line, base, column = _place(starts, found.start("value"))
                _variable(found, base, line, column, entries, owner, known, f"{word} ")
        elif word == "EXPOSE":
            for found in _WORD.finditer(whole):
                port = _PORT.match(found[0])
                terms = ports_of(port["port"], known) if port else ()
                if port and terms:
                    line, base, column = _place(starts, found.start())
                    protocol = (port["protocol"] or "tcp").lower()
                    at = column + found.start() - base
                    entries.note(at, line, owner, ("expose",), "EXPOSE", "", protocol, *terms, asked=())
        elif word in ("CMD", "ENTRYPOINT", "HEALTHCHECK"):
            _command(word, whole, starts, entries, owner)


def _command(word: str, whole: str, starts: list[tuple[int, int, int]], entries: Entries, owner: Owner) -> None:
    """Take in the options and the addresses of a command line, written out or as a list of texts."""
    before = ""
    for found in _WORD.finditer(whole):
        option, equals, value = found[0].partition("=") if found[0].startswith("-") else (before, "", found[0])
        line, base, column = _place(starts, found.start())
        at = column + found.start() - base + (len(option) + 1 if equals else 0)
        term = port_of(value) if option.startswith("-") and speaks_of_port(option) else None
        if term is not None:
            name = option.strip("-").replace("-", "_")
            # What asks whether a service is well is another program.
            asked = (option,) if word != "HEALTHCHECK" else ()
            entries.note(at, line, owner, (name,), f"{word} {option}", "", "tcp", term, asked=asked)
        address = address_of(value, False) if term is None else None
        if address is not None:
            purpose = (word.lower(),)
            at += address.offset
            entries.note(at, line, owner, purpose, word, address.host, address.transport, address.port, asked=())
        before = found[0]


def _words(whole: str) -> list[str]:
    if whole.startswith("["):
        try:
            return [str(one) for one in json.loads(whole)]
        except (ValueError, RecursionError):
            return []
    return whole.split()


def _place(starts: list[tuple[int, int, int]], offset: int) -> tuple[int, int, int]:
    """The line at ``offset`` of an instruction, the offset that this line's part begins at, and its column there."""
    return next(((line, base, column) for base, line, column in reversed(starts) if base <= offset), (0, 0, 1))


def _instructions(text: str) -> Iterator[tuple[str, str, list[tuple[int, int, int]]]]:
    """Each instruction, its text with continued lines joined, and where each line's part begins: offset, line, column.

    A here-document is passed over.
    """
    escape = "`" if any(_ESCAPE.match(line) for line in text.splitlines()[:3]) else "\\"
    word, whole = "", ""
    starts: list[tuple[int, int, int]] = []
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        if fence:
            if line.strip() == fence:
                fence = ""
            continue
        if line.lstrip().startswith("#") or (word and not line.strip()):
            continue
        start = 0
        if not word:
            found = _INSTRUCTION.match(line)
            if found is None:
                continue
            word, start = found["word"].upper(), found.end()
        starts.append((len(whole), number, start + 1))
        part = line[start:].rstrip()
        if part.endswith(escape):
            whole += part[:-1] + " "
            continue
        whole += part
        document = re.search(r"<<-?[\"']?(\w+)", whole) if word in ("RUN", "COPY", "ADD") else None
        fence = document[1] if document else ""
        yield word, whole, starts
        word, whole, starts = "", "", []
    if word:
        yield word, whole, starts
