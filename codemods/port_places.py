"""All places of a tree that have a port, and whose each is: an owner is moved only when none of them is left behind.

They are the literals of the source, tests included, the sockets whose number comes from elsewhere, the rows of
configuration files, and whatever else holds the number: text and bare numbers in the source, files that do not parse,
scripts of the shell.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from analysis import ports
from analysis.collectors.port_literals import PortLiteralCollector
from analysis.declared.reading import LARGEST, format_of
from analysis.port_names import is_measure
from codemods.port_names import label, words
from codemods.port_sites import Key, Site
from codemods.port_trial import Trial, Use

if TYPE_CHECKING:
    from analysis.ports import Row
    from codemods.port_plan import Plan

_LOCAL = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "*", "::", "::1", "[::]", "[::1]"})  # noqa: S104
_NUMBER = re.compile(rb"(?<![\w.])[1-9](?:_?\d){3,4}(?!\w|\.\d)")
_SCRIPT = re.compile(
    r"(?:^|/)(?:Makefile|Procfile|Vagrantfile|Jenkinsfile|crontab)\Z"
    r"|\.(?:sh|bash|zsh|fish|bat|cmd|ps1|service|socket|conf|ini|cfg|properties|ipynb|j2|tpl|tmpl|tf|xml|toml|html)\Z"
    r"|\.(?:[jt]sx?|vue|svelte|go|rs|java|kt|swift|rb|php|c|cc|cpp|h|hpp|cs|lua|pl|proto)\Z"
)
"""What runs, or is run from, beside Python and what is read as configuration."""
_OWN = frozenset({"name", "parameter", "environment", "option"})
"""By these a class says what port it has itself; a number that it hands on may be another's."""
_OTHER_SIDE = frozenset(
    {"CLIENT", "CONNECT", "DEPENDENCIES", "DEPENDENCY", "DEPENDS", "PEER", "PEERS", "REMOTE", "REQUIRES", "SOURCE"}
    | {"SUB", "SUBSCRIBE", "SUBSCRIBER", "TARGET", "UPSTREAM"}
)
_CALLED = re.compile(r"""(?:(\w+)["']?\]?\s*(?::\s*[\w.\[\]| ]+)?[=:]|--([\w-]+))\s*["']?\Z""")
_END = sys.maxsize
_BEFORE = 80


class Claim(NamedTuple):
    """An owner that is to be moved: ``sites`` are rewritten with it, and what configuration hands to ``homes``."""

    key: Key
    owner: str
    homes: frozenset[str]
    sites: frozenset[Site]


class Place(NamedTuple):
    """Where a port is written down or used."""

    path: str
    line: int


class Places:
    """The places of every port.

    ``feeds``: the literals that the ports of each use come from. ``written``: every number that may be a port, with the
    places of those that no literal and no configuration row accounts for.
    """

    def __init__(self, plan: Plan, trial: Trial) -> None:
        self.plan = plan
        self.trial = trial
        self.sites = [*plan.sites, *self._tests()]
        self.by_port: defaultdict[int, list[Site]] = defaultdict(list)
        for site in self.sites:
            for port in {site.literal.port, *site.literal.others}:
                self.by_port[port].append(site)
        self.rows: defaultdict[int, list[Row]] = defaultdict(list)
        for row in trial.before:
            if row.port:
                self.rows[row.port].append(row)
        self.use_of = {
            (row.path, row.line, row.column, row.side, row.owner): use for use, its in trial.uses.items() for row in its
        }
        self.owners = {row.owner for row in trial.before if row.side == "bind"}
        self.feeds: Mapping[tuple[Use, int], frozenset[Site] | None] = {}
        self.fed: defaultdict[Site, set[tuple[Use, int]]] = defaultdict(set)

    def _tests(self) -> Iterator[Site]:
        """The literals of tests, which are not given names: they stay as they are."""
        from analysis.testfiles import is_test

        for path, facts in self.plan.project.files.items():
            if facts.fault is None and is_test(path):
                for one in facts.records(PortLiteralCollector):
                    if one.evidence != "documentation" and one.port:
                        yield Site(path, ports.machine_of(path, self.plan.machines), one)

    def follow(self, wanted: set[int]) -> None:
        """Find out where the literals of the ports ``wanted`` arrive."""
        sites = dict.fromkeys(site for port in sorted(wanted) for site in self.by_port[port])
        self.feeds = self.trial.feeds(sites, self.taken)
        for place, found in self.feeds.items():
            for site in found or ():
                self.fed[site].add(place)

    def use(self, row: Row) -> Use:
        """The use that a row of a socket is of."""
        return self.use_of[row.path, row.line, row.column, row.side, row.owner]

    # Whose a literal is

    def owners_of(self, site: Site, port: int) -> frozenset[str]:
        """Who has the port from a literal; empty where that cannot be told."""
        binding = {use.owner for use, _ in self.fed[site] if use.side == "bind"}
        if binding:
            return frozenset(binding)
        named = self.named(site.literal.name)
        if named:
            return frozenset({named})
        near = self._near(site, port)
        return frozenset({near} if near else ())

    @cached_property
    def _by_length(self) -> list[tuple[str, list[str]]]:
        """Who binds, with the words of each name, long names first."""
        return sorted(((one, words(one)) for one in self.owners), key=lambda one: (-len(one[1]), one[0]))

    def named(self, text: str) -> str:
        """The owner that a name is that of, and of nobody else; empty where it says no more than which port."""
        said = words(text)
        for owner, own in self._by_length:
            for start in range(len(said) - len(own) + 1):
                if own and said[start : start + len(own)] == own:
                    rest = "_".join([*said[:start], *said[start + len(own) :]])
                    # What is called BASE_AGENT_PORT in many files is that of an agent.
                    return "" if label(rest)[1] or not label(owner)[1] else owner
        return ""

    def _near(self, site: Site, port: int) -> str:
        """The only owner in the file of a literal that says what port it has itself."""
        one = site.literal
        if one.evidence not in _OWN or label(one.name)[1] or _asks(one.name) or self.fed[site]:
            return ""
        here = [row for row in self.rows[port] if site.path in (row.path, row.home) and row.side in ("bind", "connect")]
        owners = {row.owner for row in here if row.side == "bind" and (row.home or row.path) == site.path}
        if len(owners) != 1 or any(row.side == "connect" for row in here):
            return ""
        owner = next(iter(owners))
        scope = one.scope.split(".")[0]
        return owner if scope == owner or not scope[:1].isupper() else ""

    # What stands in the way

    def obstacle(self, claim: Claim, port: int) -> Place | None:
        """The first place that has ``port`` and is neither known to be another's nor written anew with ``claim``.

        ``port`` is that of the claim, or one that its owner works out from it.
        """
        for each in (self._literals, self._sockets, self._configured, self._elsewhere):
            found = min(each(claim, port), default=None)
            if found is not None:
                return found
        return None

    def plain_obstacle(self, claim: Claim) -> Place | None:
        """The first place that stands in the way whatever literal it has its port from: for what is not followed yet.

        Following all literals of a large tree takes seconds, and few owners get so far.
        """
        for each in (self._clients, self._configured, self._elsewhere):
            found = min(each(claim, claim.key.port), default=None)
            if found is not None:
                return found
        return None

    def _clients(self, claim: Claim, port: int) -> Iterator[Place]:
        """The literals of files that connect and do not bind, where they do not say to whom."""
        rows = [row for row in self.rows[port] if row.side in ("bind", "connect")]
        connecting = {row.path for row in rows if row.side == "connect" and self._may_be_there(row, claim.key.machine)}
        connecting -= {path for row in rows if row.side == "bind" for path in (row.path, row.home)}
        for site in self.by_port[port]:
            elsewhere = self._is_elsewhere(site, port, claim.key.machine)
            if site.path in connecting and not elsewhere and not self.named(site.literal.name):
                yield Place(site.path, site.literal.span.line)

    def _sockets(self, claim: Claim, port: int) -> Iterator[Place]:
        for row in self.rows[port]:
            if row.side not in ("bind", "connect"):
                continue
            come = self.feeds.get((self.use(row), port), frozenset())
            moves = come is not None and bool(come) and come <= claim.sites
            if not self._may_be_there(row, claim.key.machine):
                # A copy on another machine would move, too.
                if moves and row.side == "bind":
                    yield Place(row.path, row.line)
                continue
            if row.side == "bind" and row.owner != claim.owner:
                stays = come is not None and not come & claim.sites
            elif row.side == "bind":
                stays = False
            else:
                stays = come is not None and not come & claim.sites and self._asks_another(row, come, claim, port)
            if not moves and not stays:
                yield Place(row.path, row.line)

    def _asks_another(self, row: Row, come: frozenset[Site], claim: Claim, port: int) -> bool:
        """Whether who connects is known to look for another owner than the one that is moved."""
        if come:
            return all(self._is_others(site, claim, port) for site in come)
        named = self.named(row.evidence) or self.named(row.purpose)
        return bool(named) and named != claim.owner

    def _literals(self, claim: Claim, port: int) -> Iterator[Place]:
        for site in self.by_port[port]:
            if site in claim.sites or self._is_elsewhere(site, port, claim.key.machine):
                continue
            if not self._is_others(site, claim, port):
                yield Place(site.path, site.literal.span.line)

    def _is_others(self, site: Site, claim: Claim, port: int) -> bool:
        owners = self.owners_of(site, port)
        return bool(owners) and claim.owner not in owners

    def _is_elsewhere(self, site: Site, port: int, machine: str) -> bool:
        """Whether a literal is sure to mean another machine: it stands there, and is bound or in a local address."""
        if not machine or not site.machine or site.machine == machine:
            return False
        hosts = site.literal.hosts
        if hosts:
            return all(host in _LOCAL for host in hosts)
        arrives = {use.side for use, _ in self.fed[site]}
        there = {row.machine for row in self.rows[port] if row.side == "bind" and self.use(row) in dict(self.fed[site])}
        return arrives == {"bind"} and there == {site.machine}

    def _may_be_there(self, row: Row, machine: str) -> bool:
        if not machine or not row.machine or row.machine == machine:
            return True
        return row.side == "connect" and row.host not in _LOCAL

    def _configured(self, claim: Claim, port: int) -> Iterator[Place]:
        registry = self.plan.file
        for row in self.rows[port]:
            if row.side not in ("declare", "publish") or self.plan.project.path(row.path) == registry:
                continue
            if self.hands(row, claim) and port == claim.key.port and self._can_rewrite(row, claim):
                continue
            if not self._hands_another(row, claim, port):
                yield Place(row.path, row.line)
        for row in self.trial.before:
            # What a configuration works out, as ${OFFSET}+5556, is not written anew.
            worked_out = row.port is None and row.side in ("declare", "publish") and _has(row.expression, port)
            if worked_out and (not row.home or self._runs(row, claim, port) or row.owner == claim.owner):
                yield Place(row.path, row.line)

    def hands(self, row: Row, claim: Claim) -> bool:
        """Whether a row of a configuration gives the owner its port."""
        return row.side == "declare" and row.home in claim.homes and row.owner == claim.owner and self._is_plain(row)

    def _can_rewrite(self, row: Row, claim: Claim) -> bool:
        try:
            data = self.plan.project.path(row.path).read_bytes()
        except OSError:
            return False
        return any(digits(data, row.line, row.column, claim.key.port, claim.key.port))

    def _is_plain(self, row: Row) -> bool:
        """Whether the key of a row speaks of no other service than its entry."""
        rest = [one for one in words(_last(row.evidence)) if one not in words(row.owner)]
        return not label("_".join(rest))[1] and not _asks(row.evidence)

    def _hands_another(self, row: Row, claim: Claim, port: int) -> bool:
        """Whether a row is known to be about another: one with a script of the tree, or called as one that binds."""
        if row.owner == claim.owner or self._runs(row, claim, port):
            return False
        named = self.named(_last(row.evidence))
        if named or not self._is_plain(row):
            return bool(named) and named != claim.owner
        return bool(row.home) or row.owner in self.owners

    def _runs(self, row: Row, claim: Claim, port: int) -> bool:
        """Whether the script that an entry runs is a home of the owner, were it one of several there."""
        binding = [one for one in self.rows[port] if one.side == "bind" and one.owner == claim.owner]
        return bool(row.home) and row.home in {*claim.homes, *(one.home or one.path for one in binding)}

    def _elsewhere(self, claim: Claim, port: int) -> Iterator[Place]:
        known = self._accounted(port)
        for one in self._written.get(port, ()):
            path, line = one.place
            facts = self.plan.project.files.get(path)
            called = _CALLED.search(one.before.decode("utf-8", "replace"))
            if _within(one.start, known.get(one.place, ())) or (
                called is not None and is_measure(called[1] or called[2])
            ):
                continue
            if facts is None or facts.fault is not None or _within(one.start, self._tokens(path).get(line, ())):
                yield one.place

    def _accounted(self, port: int) -> dict[Place, list[tuple[int, int]]]:
        """Where on each line the literals and the rows of configuration are that have a port: from byte to byte."""
        found: defaultdict[Place, list[tuple[int, int]]] = defaultdict(list)
        for site in self.by_port[port]:
            span = site.literal.span
            for line in range(span.line, span.end_line + 1):
                start = span.col if line == span.line else 0
                found[Place(site.path, line)].append((start, span.end_col if line == span.end_line else _END))
        written: defaultdict[Place, list[int]] = defaultdict(list)
        for one in self._written.get(port, ()):
            written[one.place].append(one.start)
        for row in self.rows[port]:
            if row.side in ("declare", "publish"):
                place = Place(row.path, row.line)
                # The value is quoted, or the default of a variable, or in the midst of an address.
                first = next((start for start in written[place] if start >= row.column - 1), None)
                if first is not None:
                    found[place].append((first, first + 1))
        return found

    @cached_property
    def _written(self) -> dict[int, list[_Number]]:
        """The numbers of all files that run or are run from, that could be ports."""
        project = self.plan.project
        others = project.search(lambda path: format_of(path) is not None or _SCRIPT.search(path) is not None).files
        found: dict[int, list[_Number]] = {}
        for path in sorted({*project.files, *project.generated, *(one.name for one in others.values())}):
            file = project.path(path)
            if file == self.plan.file:
                continue
            try:
                data = file.read_bytes() if path.endswith(".py") or file.stat().st_size <= LARGEST else b""
            except OSError:
                continue
            for number, line in enumerate(data.splitlines(), 1):
                for one in _NUMBER.finditer(line):
                    before = line[max(0, one.start() - _BEFORE) : one.start()]
                    port = int(one[0].replace(b"_", b""))
                    found.setdefault(port, []).append(_Number(Place(path, number), one.start(), before))
        return found

    @property
    def taken(self) -> set[int]:
        """The numbers that no owner is moved to: those that are written anywhere, or worked out."""
        literals = {port for site in self.sites for port in (site.literal.port, *site.literal.others)}
        return {*self._written, *self.rows, *literals}

    def _tokens(self, path: str) -> Mapping[int, list[tuple[int, int]]]:
        """Where on each line of a file its numbers and texts are, from byte to byte: not its comments."""
        known = self._found.get(path)
        if known is None:
            known = self._found[path] = _tokens(self.plan.project.path(path).read_bytes())
        return known

    @cached_property
    def _found(self) -> dict[str, Mapping[int, list[tuple[int, int]]]]:
        return {}


class _Number(NamedTuple):
    """A number in a file: its place, the byte of the line where it begins, and what stands before it there."""

    place: Place
    start: int
    before: bytes


def _tokens(data: bytes) -> Mapping[int, list[tuple[int, int]]]:
    found: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    try:
        tokens = list(tokenize.tokenize(io.BytesIO(data).readline))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return {line: [(0, _END)] for line in range(1, data.count(b"\n") + 2)}
    quiet = {tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.COMMENT}
    before = tokenize.ENCODING
    for one in tokens:
        # What begins a line is documentation; the text of an f-string may be a token of its own.
        documentation = one.type == tokenize.STRING and before in quiet
        if one.type not in quiet and one.type not in (tokenize.OP, tokenize.NAME) and not documentation:
            lines = one.line.splitlines() or [""]
            for line in range(one.start[0], one.end[0] + 1):
                first = len(lines[0][: one.start[1]].encode()) if line == one.start[0] else 0
                last = one.end[1] if line == one.end[0] and line > one.start[0] else _END
                if one.start[0] == one.end[0]:
                    last = len(lines[0][: one.end[1]].encode())
                found[line].append((first, last))
        before = one.type
    return found


def _within(start: int, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(first <= start < last for first, last in ranges)


def _asks(name: str) -> bool:
    """Whether what is called so is the port of somebody else, who is asked."""
    return not _OTHER_SIDE.isdisjoint(words(name))


def _last(key: str) -> str:
    """The last part of the path of a key."""
    return re.split(r"[.\[]", key)[-1]


def _has(expression: str, port: int) -> bool:
    return re.search(rf"(?<![\w.]){port}(?![\w.])", expression) is not None


def digits(data: bytes, line: int, column: int, old: int, new: int) -> Iterator[tuple[int, int, bytes]]:
    """The edit of a number at a place, quoted or not, or a variable's default; nothing where something else stands."""
    lines = data.splitlines(keepends=True)
    try:
        start = sum(map(len, lines[: line - 1])) + len(lines[line - 1].decode()[: column - 1].encode())
    except (IndexError, UnicodeDecodeError):
        return
    signs = b"_?".join(b"%c" % one for one in b"%d" % old)
    written = re.compile(rb"[\"']?(?:\$\{\w+:?-)?(%b)(?![\w.])" % signs).match(data, start)
    if written is not None:
        yield written.start(1), written.end(1), b"%d" % new
