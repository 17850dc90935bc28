"""What is found fast is what the plain way finds: groups of files, the order of a large circle, who takes a name."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.cuts import EXACT, feedback
from analysis.cycles import components
from codemods.cutting.mentions import members, takes

NODES = [f"{name}.py" for name in ("a", "ab", "abc", "b", "p/__init__", *(f"p/m{number}" for number in range(12)))]
COSTS = (1, 2, 5, 14, 40, 1040)
pairs = st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)).filter(lambda pair: pair[0] != pair[1])
PARTS = ("import", "from", "x", ".", "y", " ", "\n", "\t", "é", "(", "1", "importing", "\r", "x.y", "\n  ")


@settings(deadline=None)
@given(st.lists(pairs, unique=True, max_size=50))
def test_groups_are_strongly_connected_components(drawn: list[tuple[str, str]]) -> None:
    following: dict[str, list[str]] = {}
    for one, other in drawn:
        following.setdefault(one, []).append(other)
    reached = {one: {one} for pair in drawn for one in pair}
    for _ in reached:
        for one, other in drawn:
            reached[one] |= reached[other]
    wanted = {tuple(sorted(other for other in reached[one] if one in reached[other])) for one in reached}
    assert sorted(tuple(sorted(one)) for one in components(following)) == sorted(one for one in wanted if one[1:])


def plain_order(files: list[str], costs: dict[tuple[str, str], int]) -> list[str]:
    """The order of a large circle, every file tried in every place."""
    left, first, last = sorted(files), [], []

    def balance(file: str) -> int:
        out = sum(cost for (one, other), cost in costs.items() if one == file and other in left)
        return out - sum(cost for (one, other), cost in costs.items() if other == file and one in left)

    def leads(file: str, *, out: bool) -> bool:
        return any(pair[not out] == file and pair[out] in left for pair in costs)

    while left:
        sink = next((file for file in left if not leads(file, out=True)), None)
        if sink is not None:
            left.remove(sink)
            last.append(sink)
            continue
        source = next((file for file in left if not leads(file, out=False)), None)
        chosen = source or max(left, key=lambda file: (balance(file), [-ord(letter) for letter in file]))
        left.remove(chosen)
        first.append(chosen)
    order = first + last[::-1]

    def backwards(tried: list[str]) -> int:
        return sum(cost for (one, other), cost in costs.items() if tried.index(one) > tried.index(other))

    for _ in range(20):
        before = list(order)
        for file in sorted(order):
            rest = [one for one in order if one != file]
            tries = [[*rest[:at], file, *rest[at:]] for at in range(len(order))]
            best = min(tries, key=backwards)
            if backwards(best) < backwards(order):
                order = best
        if order == before:
            break
    return order


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(pairs, st.sampled_from(COSTS), min_size=20, max_size=45))
def test_a_large_circle_is_cut_where_the_plain_way_cuts_it(costs: dict[tuple[str, str], int]) -> None:
    assert len(NODES) > EXACT
    place = {file: at for at, file in enumerate(plain_order(NODES, costs))}
    assert feedback(NODES, costs) == {pair for pair in costs if place[pair[0]] > place[pair[1]]}


@settings(deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join))
def test_the_names_that_are_taken_are_those_that_a_search_finds(text: str) -> None:
    data = text.encode()
    words = {*re.findall(r"\w+", text, re.ASCII), "y", "x"}
    assert {one for one in words if takes(data, one)} == members(data)
