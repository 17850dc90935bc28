"""The file of flags: what it may say, what it may not, and what is said about that."""

from __future__ import annotations

import pickle
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.flags import Flag, FlagError, Value, parse, value_of, written

ALL = """\
version: 1
flags:
  predictive_loading:
    default: false
    description: Load models before   they are asked for.
    owner: VRAMOptimizerAgent
    until: 2027-03-31
    machines: {pc2: true}
    agents:
      TieredResponder: true
      TieredResponder@main_pc: false
  beam_width: {default: 4, machines: {pc2: -2}}
  share: {default: 1, type: float, choices: [1, 0.5, 1e-3]}
  translator: {default: nllb, choices: [nllb, google, "true"]}
"""


def entry(text: str) -> str:
    return f"version: 1\nflags:\n  a: {text}\n"


def test_what_a_file_says() -> None:
    found = parse(ALL)
    assert list(found.flags.values()) == [
        Flag(
            "predictive_loading",
            "bool",
            False,
            "Load models before they are asked for.",
            "VRAMOptimizerAgent",
            date(2027, 3, 31),
            (),
            {"pc2": True},
            {"TieredResponder": True, "TieredResponder@main_pc": False},
            3,
        ),
        Flag("beam_width", "int", 4, machines={"pc2": -2}, line=12),
        Flag("share", "float", 1.0, choices=(1.0, 0.5, 0.001), line=13),
        Flag("translator", "str", "nllb", choices=("nllb", "google", "true"), line=14),
    ]
    assert found.machines == {"pc2", "main_pc"}
    assert type(found.flags["share"].default) is float


@pytest.mark.parametrize(
    ("agent", "machine", "expected"),
    [
        ("", "", (False, "default")),
        ("", "pc2", (True, "machines.pc2")),
        ("TieredResponder", "", (True, "agents.TieredResponder")),
        ("TieredResponder", "main_pc", (False, "agents.TieredResponder@main_pc")),
        ("TieredResponder", "pc2", (True, "agents.TieredResponder")),
        ("Another", "main_pc", (False, "default")),
    ],
)
def test_the_closest_says_what_it_is(agent: str, machine: str, expected: tuple[Value, str]) -> None:
    assert parse(ALL).flags["predictive_loading"].value(agent, machine) == expected


@pytest.mark.parametrize("text", ["version: 1\nflags: {}", "version: 1\nflags:\n"])
def test_no_flags_yet(text: str) -> None:
    assert parse(text).flags == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1: is empty; start it with `version: 1` and `flags:`"),
        ("flags: {}", "1: `version`: is missing: write `version: 1`"),
        (
            "version: 2\nflags: {}",
            "1: `version`: 2 is not a version that is known here; write 1, or update unsnarl",
        ),
        ("version: 1", "1: `flags`: is missing: write `flags:` and the names below it"),
        ("version: 1\nflag: {}", "2: `flag`: unknown key; did you mean `flags`?"),
        (
            entry("true"),
            (
                "3: `flags.a`: expected a mapping for a flag, which has `default`, `type`, `description`, `owner`, "
                "`until`, `choices`, `machines`, `agents`, got `true`; write `default: true` below it"
            ),
        ),
        (entry("{owner: A}"), "3: `flags.a`: has no `default`: write what it is where nothing else says so"),
        (entry("{default: }"), "3: `flags.a.default`: expected true or false, a number or a text, got nothing"),
        (entry("{default: []}"), "3: `flags.a.default`: expected true or false, a number or a text, got a list"),
        (
            entry("{default: yes}"),
            (
                "3: `flags.a.default`: `yes` may mean two things: write `true` for a switch, or put it in quotes "
                "for a text"
            ),
        ),
        (
            entry("{default: False}"),
            (
                "3: `flags.a.default`: `False` may mean two things: write `false` for a switch, or put it in quotes "
                "for a text"
            ),
        ),
        (
            entry("{default: true, machines: {pc2: off}}"),
            "3: `flags.a.machines.pc2`: expected `true` or `false`, got `off`; write `false`",
        ),
        (
            entry("{default: 1, agents: {A: 1.5}}"),
            "3: `flags.a.agents.A`: expected a whole number, got `1.5`",
        ),
        (
            entry('{default: 1, agents: {A: "1"}}'),
            '3: `flags.a.agents.A`: expected a whole number, got the text "1"',
        ),
        (
            entry("{default: 1, machines: {pc2: '${WIDTH}'}}"),
            (
                '3: `flags.a.machines.pc2`: expected a whole number, got the text "${WIDTH}"; nothing is filled in '
                "here: write the value, and set UNSNARL_FLAG_… to change it"
            ),
        ),
        (entry("{default: 1, type: number}"), "3: `flags.a.type`: `number` is no type of a flag; valid are "),
        (entry("{default: a, choices: b}"), "3: `flags.a.choices`: expected a list of values, got `b`"),
        (entry("{default: a, choices: [b, c]}"), "3: `flags.a.default`: `a` is none of the choices `b`, `c`"),
        (
            entry("{default: a, choices: [a, a]}"),
            "3: `flags.a.choices[1]`: `a` is there twice; keep one of them",
        ),
        (
            entry("{default: true, choices: [true]}"),
            "3: `flags.a.choices`: a switch has two values; leave the choices out",
        ),
        (
            entry("{default: 1, until: 2027-06-31}"),
            "3: `flags.a.until`: expected a day such as 2027-03-31, got `2",
        ),
        (
            entry("{default: 1, until: soon}"),
            "3: `flags.a.until`: expected a day such as 2027-03-31, got `soon`",
        ),
        (entry("{default: 1, agent: {A: 1}}"), "3: `flags.a.agent`: unknown key; did you mean `agents`?"),
        (
            entry("{default: 1, agents: {A@: 1}}"),
            "3: `flags.a.agents.A@`: a name here is made of letters, digits",
        ),
        ("version: 1\nflags:\n  a-b: {default: 1}\n", "3: `flags.a-b`: a name here is made of letters, digits"),
        (
            "version: 1\nflags:\n  a: {default: 1}\n  A: {default: 1}\n",
            "4: `flags.A`: differs from `a` (line 3) in case only; rename one of them",
        ),
        ("version: 1\nflags:\n\ta: 1\n", "3: is not valid YAML: "),
    ],
)
def test_what_is_wrong_is_said(text: str, problem: str) -> None:
    with pytest.raises(FlagError) as caught:
        parse(text, Path("f.yaml"))
    assert str(caught.value).startswith(f"f.yaml:{problem}")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(
    ("text", "flag", "expected"),
    [
        (" On ", Flag("a", "bool", False), True),
        ("0", Flag("a", "bool", True), False),
        ("-12", Flag("a", "int", 1), -12),
        ("3", Flag("a", "float", 1.5), 3.0),
        ("2.5e1", Flag("a", "float", 1.5), 25.0),
        ("true", Flag("a", "str", ""), "true"),
    ],
)
def test_what_the_environment_says(text: str, flag: Flag, expected: Value) -> None:
    found = value_of(text, flag)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "flag", "problem"),
    [
        ("", Flag("a", "bool", False), "`` is neither on nor off: write 1 or 0"),
        ("1.5", Flag("a", "int", 1), "`1.5` is not a whole number"),
        ("nan", Flag("a", "float", 1.5), "`nan` is not a number"),
        ("b", Flag("a", "str", "", choices=("c", "d")), "`b` is none of `c`, `d`"),
    ],
)
def test_what_the_environment_must_not_say(text: str, flag: Flag, problem: str) -> None:
    with pytest.raises(ValueError, match=problem.replace(".", r"\.")):
        value_of(text, flag)


@given(
    st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False, min_value=-1e90, max_value=1e90).filter(
        lambda one: one == 0 or abs(one) > 1e-90
    )
    | st.sampled_from(["nllb", "a b", "x_1"])
)
def test_a_value_comes_back_as_it_was_written(value: Value) -> None:
    one = parse(entry(f"{{default: {written(value)}}}")).flags["a"]
    assert (one.default, one.kind) == (value, type(value).__name__)
    assert value_of(written(value), one) == value
