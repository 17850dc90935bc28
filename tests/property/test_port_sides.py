"""Who binds and who connects, in trees that are made up, against a count by hand."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.collectors.port_literals import PortLiteralCollector
from analysis.collectors.port_lookups import PortLookupCollector
from analysis.collectors.ports import PortCollector
from analysis.port_sides import disputes, unanswered
from analysis.project import load

NUMBERS = st.integers(5550, 5554)
AGENTS = st.lists(st.tuples(st.sampled_from("ab"), NUMBERS, NUMBERS, st.booleans()), min_size=1, max_size=6)
COLLECTORS = [PortCollector, PortLiteralCollector, PortLookupCollector]
MACHINES = {"first": ["a"], "second": ["b"]}


def agent(number: int, bound: int, connected: int, by_name: bool) -> str:
    """A class that binds one port and connects to another."""
    here = f"f'tcp://*:{{PORT{number}}}'" if by_name else f"'tcp://*:{bound}'"
    return (
        f"PORT{number} = {bound}\n\n\nclass Agent{number}:\n    def run(self):\n"
        f"        self.sock.bind({here})\n        self.sock.connect('tcp://localhost:{connected}')\n"
    )


@settings(max_examples=40, deadline=None)
@given(AGENTS)
def test_a_dispute_is_two_owners_on_one_machine_and_unanswered_is_bound_nowhere(
    agents: list[tuple[str, int, int, bool]],
) -> None:
    owners: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for number, (side, bound, connected, by_name) in enumerate(agents):
            (tree / side).mkdir(exist_ok=True)
            (tree / side / f"agent{number}.py").write_text(agent(number, bound, connected, by_name))
            owners["first" if side == "a" else "second", bound].add(f"Agent{number}")
        project = load([tree], root=tree, collectors=COLLECTORS, jobs=1, cache=False)
        found = {(one.machine, one.port): {owner for owner, _ in one.owners} for one in disputes(project, MACHINES)}
        assert found == {where: names for where, names in owners.items() if len(names) > 1}
        anywhere = {bound for _, bound, _, _ in agents}
        lonely = {
            (f"Agent{number}", connected)
            for number, (_, _, connected, _) in enumerate(agents)
            if connected not in anywhere
        }
        assert {(one.rows[0].owner, one.rows[0].port) for one in unanswered(project, MACHINES)} == lonely
        for number in {connected for _, connected in lonely}:
            (tree / "broken.py").write_text(f"def f(:\n    bind({number})\n")
            project = load([tree], root=tree, collectors=COLLECTORS, jobs=1, cache=False)
            left = {one.rows[0].port for one in unanswered(project, MACHINES)}
            assert left == {connected for _, connected in lonely} - {number}
