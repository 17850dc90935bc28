"""The laws of the baseline: a multiset that covers no more than it holds, follows moved code and only ever shrinks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.facts import Span
from linters.baseline import (
    UNPARSEABLE,
    BaselineError,
    Key,
    Match,
    count,
    fault_key,
    key,
    match,
    read,
    render,
)
from linters.rule import Finding

PATHS = ["a.py", "b.py", "x/a.py", "y/c.py"]


def finding(
    path: str, scope: str = "f", source: str = "except Exception", line: int = 1, code: str = "E900"
) -> Finding:
    return Finding(code, "message", path, Span(line, 0, line, 6), 1, scope, source)


findings = st.lists(
    st.builds(
        finding,
        st.sampled_from(PATHS),
        st.sampled_from(["f", "g"]),
        st.sampled_from(["except:", "except Exception"]),
        st.integers(1, 9),
        st.sampled_from(["E900", "E903"]),
    ),
    max_size=12,
)
faults = st.dictionaries(st.sampled_from(["a.py", "p.py", "x/p.py", "q.py"]), st.sampled_from(["syntax", "encoding"]))
keys = st.one_of(
    st.builds(
        Key,
        st.sampled_from(PATHS),
        st.sampled_from(["E900", "E903"]),
        st.sampled_from(["f", "g"]),
        st.sampled_from(["except:", "except Exception"]),
    ),
    st.builds(fault_key, st.sampled_from(["a.py", "p.py", "x/p.py"]), st.sampled_from(["syntax", "encoding"])),
)
baselines = st.dictionaries(keys, st.integers(1, 4), max_size=8).map(Counter)
gones = st.sets(st.sampled_from([*PATHS, "p.py"]))
withins = st.sets(st.sampled_from([*PATHS, "p.py", "x/p.py", "q.py"]))


def hold(
    baseline: Counter[Key],
    found: list[Finding],
    broken: dict[str, str] | None = None,
    gone: set[str] | None = None,
    within: set[str] | None = None,
    eases: dict[str, tuple[str, ...]] | None = None,
) -> Match:
    return match(
        baseline,
        found,
        broken or {},
        lambda one: within is None or one.path in within,
        lambda path: path in (gone or set()),
        eases,
    )


@given(findings, faults)
def test_a_baseline_of_a_run_covers_that_run_exactly(found: list[Finding], broken: dict[str, str]) -> None:
    held = hold(count(found, broken), found, broken)
    assert (held.new, held.faults_new, held.moved, held.stale.total()) == ([], [], [], 0)
    assert held.shrunk == count(found, broken)
    assert Counter(map(id, held.known)) == Counter(map(id, found))


@given(baselines, findings, faults, gones, withins)
def test_no_entry_covers_more_than_its_count(
    baseline: Counter[Key], found: list[Finding], broken: dict[str, str], gone: set[str], within: set[str]
) -> None:
    held = hold(baseline, found, broken, gone, within)
    covered = len(held.known) + len(broken) - len(held.faults_new)
    assert covered + held.stale.total() <= baseline.total()
    assert len(held.known) + len(held.new) == len(found)
    assert Counter(map(id, held.known + held.new)) == Counter(map(id, found))
    # Below path, no rule, definition and source is covered more often than was agreed.
    agreed = Counter((one.code, one.scope, one.source) for one in baseline.elements())
    used = Counter((one.code, one.scope, one.source) for one in held.known)
    assert used <= agreed


@given(baselines, findings, faults, gones, withins)
def test_it_only_shrinks(
    baseline: Counter[Key], found: list[Finding], broken: dict[str, str], gone: set[str], within: set[str]
) -> None:
    held = hold(baseline, found, broken, gone, within)
    assert held.shrunk.total() == baseline.total() - held.stale.total()
    assert all(number > 0 for number in held.shrunk.values())


@given(baselines, findings, faults, gones)
def test_an_update_leaves_nothing_stale_and_covers_the_same(
    baseline: Counter[Key], found: list[Finding], broken: dict[str, str], gone: set[str]
) -> None:
    first = hold(baseline, found, broken, gone)
    second = hold(first.shrunk, found, broken, gone)
    assert (second.stale.total(), second.moved) == (0, [])
    assert Counter(map(key, second.new)) == Counter(map(key, first.new))
    assert sorted(second.faults_new) == sorted(first.faults_new)
    assert second.shrunk == first.shrunk


@given(baselines, findings, faults, gones)
def test_accepting_what_is_new_covers_all(
    baseline: Counter[Key], found: list[Finding], broken: dict[str, str], gone: set[str]
) -> None:
    held = hold(baseline, found, broken, gone)
    grown = held.shrunk + count(held.new, {path: broken[path] for path in held.faults_new})
    again = hold(grown, found, broken, gone)
    assert (again.new, again.faults_new, again.stale.total()) == ([], [], 0)


@given(baselines, findings)
def test_what_was_not_looked_at_is_never_stale(baseline: Counter[Key], found: list[Finding]) -> None:
    assert hold(baseline, found, within=set()).stale.total() == 0


@given(findings, st.randoms(use_true_random=False))
def test_line_numbers_and_order_do_not_matter(found: list[Finding], random: object) -> None:
    shuffled = [finding(one.path, one.scope, one.source, 100 + n, one.code) for n, one in enumerate(reversed(found))]
    held = hold(count(found, {}), shuffled)
    assert (held.new, held.stale.total()) == ([], 0)


@given(findings)
def test_a_moved_file_adds_nothing(found: list[Finding]) -> None:
    moved = [finding(f"new/{one.path}", one.scope, one.source, 3, one.code) for one in found]
    held = hold(count(found, {}), moved, gone=set(PATHS))
    assert (held.new, held.stale.total()) == ([], 0)
    assert held.shrunk == count(moved, {})


@given(baselines)
def test_the_file_holds_what_was_written(tmp_path_factory: pytest.TempPathFactory, baseline: Counter[Key]) -> None:
    file = tmp_path_factory.mktemp("baseline") / "b.jsonl"
    file.write_bytes(render(baseline))
    assert read(file) == baseline
    lines = file.read_bytes().splitlines()
    assert len(lines) == len(baseline)
    order = [(one.path, one.code, one.scope, one.source) for one in sorted(baseline)]
    assert order == sorted(order)


def test_one_entry_does_not_absorb_a_second_twin() -> None:
    held = hold(count([finding("a.py")], {}), [finding("a.py", line=1), finding("a.py", line=9)])
    assert [one.span.line for one in held.new] == [9]


def test_a_fixed_twin_is_stale_by_one() -> None:
    held = hold(count([finding("a.py"), finding("a.py")], {}), [finding("a.py")])
    assert held.stale == Counter({key(finding("a.py")): 1})


def test_another_code_or_definition_is_not_covered() -> None:
    agreed = count([finding("a.py")], {})
    for other in (finding("a.py", code="E903"), finding("a.py", scope="g"), finding("a.py", source="except:")):
        assert hold(agreed, [other]).new == [other]


EASES = {"E903": ("E900",)}


@given(baselines, findings, faults, gones, withins)
def test_what_is_eased_does_not_grow_either(
    baseline: Counter[Key], found: list[Finding], broken: dict[str, str], gone: set[str], within: set[str]
) -> None:
    without = hold(baseline, found, broken, gone, within)
    held = hold(baseline, found, broken, gone, within, EASES)
    assert len(held.new) == len(without.new) - len(held.eased)
    assert held.stale.total() == without.stale.total() - len(held.eased)
    assert held.shrunk.total() == baseline.total() - held.stale.total()
    assert held.moved == without.moved
    assert Counter(map(id, held.known + held.new)) == Counter(map(id, found))
    for old, new in held.eased:
        assert (old.path, old.scope, old.code, new.code) == (new.path, new.scope, "E900", "E903")
        assert old.path in within


@given(baselines, findings, faults, gones)
def test_an_update_leaves_nothing_to_ease(
    baseline: Counter[Key], found: list[Finding], broken: dict[str, str], gone: set[str]
) -> None:
    first = hold(baseline, found, broken, gone, eases=EASES)
    second = hold(first.shrunk, found, broken, gone, eases=EASES)
    assert (second.stale.total(), second.moved, second.eased) == (0, [], [])
    assert Counter(map(key, second.new)) == Counter(map(key, first.new))


def test_a_rewritten_handler_pays_for_its_executor_and_for_no_other() -> None:
    agreed = count([finding("a.py"), finding("a.py", scope="g")], {})
    made = finding("a.py", source="SafeExecutor(recoverable=(Exception,))", code="E903")
    other = finding("a.py", scope="g", line=9)
    held = hold(agreed, [made, made, other], eases=EASES)
    assert held.eased == [(key(finding("a.py")), key(made))]
    assert (held.known, held.new, held.stale.total()) == ([made, other], [made], 0)
    assert held.shrunk == count([made, other], {})


def test_nothing_is_eased_the_other_way_or_elsewhere() -> None:
    agreed = count([finding("a.py", code="E903")], {})
    assert hold(agreed, [finding("a.py")], eases=EASES).new == [finding("a.py")]
    agreed = count([finding("a.py")], {})
    for other in (finding("b.py", code="E903"), finding("a.py", scope="g", code="E903")):
        held = hold(agreed, [other], eases=EASES)
        assert (held.new, held.eased) == ([other], [])
        assert held.stale == agreed


def test_a_moved_function_follows_into_a_file_that_was_there() -> None:
    held = hold(count([finding("a.py", "f"), finding("b.py", "g")], {}), [finding("b.py", "f"), finding("b.py", "g")])
    assert held.moved == [(key(finding("a.py", "f")), key(finding("b.py", "f")))]
    assert held.new == []


def test_a_vanished_file_of_the_same_name_is_taken_first() -> None:
    agreed = count([finding("old/a.py"), finding("old/b.py")], {})
    held = hold(agreed, [finding("new/b.py")], gone={"old/a.py", "old/b.py"})
    assert held.moved == [(key(finding("old/b.py")), key(finding("new/b.py")))]
    assert held.stale == Counter({key(finding("old/a.py")): 1})


def test_an_unparseable_file_is_followed_by_its_name_only() -> None:
    agreed = count([], {"old/p.py": "syntax"})
    assert hold(agreed, [], {"new/p.py": "syntax"}, gone={"old/p.py"}).faults_new == []
    assert hold(agreed, [], {"new/q.py": "syntax"}, gone={"old/p.py"}).faults_new == ["new/q.py"]
    assert hold(agreed, [], {"new/p.py": "syntax"}).faults_new == ["new/p.py"]


def test_a_repaired_file_is_stale() -> None:
    held = hold(count([], {"p.py": "syntax"}), [])
    assert held.stale == Counter({Key("p.py", UNPARSEABLE, "", "syntax"): 1})


LINE = b'{"path":"a.py","code":"E900","scope":"f","source":"except:","count":2}\n'


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{}\n", ":1: is no entry of a baseline"),
        (LINE + b"nonsense\n", ":2: is no entry of a baseline"),
        (LINE + b"<<<<<<< ours\n", ":2: a merge conflict is left here"),
        (LINE.replace(b"2", b"0"), ":1: the count is 0"),
        (LINE.replace(b'"count"', b'"line"'), ":1: is no entry of a baseline: Object contains unknown field `line`"),
        (b"\xff\n", ":1: is no entry of a baseline"),
    ],
)
def test_a_broken_file_is_told_with_its_line(tmp_path: Path, data: bytes, said: str) -> None:
    file = tmp_path / "b.jsonl"
    file.write_bytes(data)
    with pytest.raises(BaselineError) as caught:
        read(file)
    assert said in str(caught.value)


def test_a_line_kept_twice_by_a_merge_counts_as_the_larger(tmp_path: Path) -> None:
    file = tmp_path / "b.jsonl"
    file.write_bytes(LINE + b"\n" + LINE.replace(b"2", b"5"))
    assert read(file) == Counter({Key("a.py", "E900", "f", "except:"): 5})


def test_no_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match="unsnarl baseline --accept-new"):
        read(tmp_path / "none.jsonl")
