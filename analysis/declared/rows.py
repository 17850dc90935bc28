"""Rows of the table of ports from what configuration files declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from analysis.declared.reading import owner_of
from analysis.declared.records import Declared
from analysis.declared.scripts import Scripts
from analysis.ports import Row, machine_of
from analysis.values.addresses import numbers
from analysis.values.terms import written


def rows(
    declared: Mapping[str, Sequence[Declared]],
    used: Iterable[Row],
    scripts: Scripts,
    machines: Mapping[str, Sequence[str]],
) -> Iterator[Row]:
    """The rows of ``declared``, by path and place. ``used``: the rows of the source.

    An entry that runs a script of the tree belongs to whom the script's own rows belong to, where that is one.
    """
    binders = _Binders(used)
    for path, records in sorted(declared.items()):
        machine = machine_of(path, machines)
        for one in records:
            script = scripts.find(one.script, path) if one.script else None
            for term in one.ports:
                found, certainty = numbers(term)
                for number in found or (None,):
                    name = one.owner or owner_of(path)
                    yield Row(
                        path=path,
                        line=one.line,
                        column=one.column,
                        machine=(script and machine_of(script, machines)) or machine,
                        owner=binders.owner(script, number) or name,
                        purpose=one.purpose,
                        side=one.side,
                        by=one.by,
                        socket="",
                        transport=one.transport,
                        host=one.host,
                        port=number,
                        expression=written(term),
                        certainty=certainty,
                        evidence=one.evidence,
                        home=script or "",
                    )


class _Binders:
    """Who binds in each file, and which port."""

    def __init__(self, used: Iterable[Row]) -> None:
        self._owners: dict[str, dict[str, set[int | None]]] = {}
        for row in used:
            if row.side == "bind":
                self._owners.setdefault(row.home or row.path, {}).setdefault(row.owner, set()).add(row.port)

    def owner(self, script: str | None, port: int | None) -> str:
        """The only owner that binds in ``script``, or of several the only one that binds ``port``; else empty."""
        owners = self._owners.get(script, {}) if script is not None else {}
        if len(owners) > 1 and port is not None:
            owners = {name: ports for name, ports in owners.items() if port in ports}
        return next(iter(owners)) if len(owners) == 1 else ""
