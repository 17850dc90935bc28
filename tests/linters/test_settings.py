"""Settings: where they are found, and what is said of those that cannot be used."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.contracts import Contract
from config.settings import Settings, SettingsError, find, load, locate, nearest, parse
from linters.rule import Selection, check_codes, rules

PYPROJECT = "[project]\nname = 'x'\n\n[tool.unsnarl]\n"


def refused(text: str, name: str = "pyproject.toml", tmp: Path | None = None) -> SettingsError:
    file = (tmp or Path()) / name
    if tmp is not None:
        file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        rules(parse(text.encode(), file))
    return caught.value


@pytest.mark.parametrize(
    ("text", "key", "line", "said"),
    [
        ("selct = ['E9']", "tool.unsnarl.selct", 5, "unknown key; did you mean `select`?"),
        ("origin = 'x'", "tool.unsnarl.origin", 5, "unknown key"),
        ("select = 'E9'", "tool.unsnarl.select", 5, "expected a list, got a string"),
        ("select = ['E9', 3]", "tool.unsnarl.select", 5, "expected a string, got a whole number (at its item [1])"),
        ("\nrequire-reason = 'yes'", "tool.unsnarl.require-reason", 6, "expected true or false, got a string"),
        ("policy = 'infr'", "tool.unsnarl.policy", 5, '"infr" is not possible; valid are `infer`, `preserve`'),
        ("target-version = '3.9'", "tool.unsnarl.target-version", 5, '"3.9" is not possible'),
        ("target-version = 3.12", "tool.unsnarl.target-version", 5, 'expected one of "3.11"'),
        ("per-file-ignores = 3", "tool.unsnarl.per-file-ignores", 5, "expected a table, got a whole number"),
        (
            "[tool.unsnarl.per-file-ignores]\n'a b/*' = 'E9'",
            'tool.unsnarl.per-file-ignores."a b/*"',
            6,
            "expected a list, got a string",
        ),
        ("safe-executor = 'a.b.C'", "tool.unsnarl.safe-executor", 5, 'expected "module:name"'),
        ("safe-executor = 'a.b:1'", "tool.unsnarl.safe-executor", 5, 'expected "module:name"'),
        ("select = ['E9000']", "tool.unsnarl.select", 5, "unknown rule code `E9000`; did you mean `E900`?"),
        ("per-file-ignores = {'a' = ['E777']}", "tool.unsnarl.per-file-ignores.a", 5, "unknown rule code `E777`"),
        ("contracts = 3", "tool.unsnarl.contracts", 5, "expected a table, got a whole number"),
        ("[tool.unsnarl.contracts]\na = ['web']", "tool.unsnarl.contracts.a", 6, "expected a table, got a list"),
        (
            "[tool.unsnarl.contracts.a]\nlayer = ['web']",
            "tool.unsnarl.contracts.a.layer",
            6,
            "unknown key; did you mean `layers`?",
        ),
        (
            "[tool.unsnarl.contracts.a]\nlayers = ['web', 3]",
            "tool.unsnarl.contracts.a.layers",
            6,
            "expected a string, got a whole number (at its item [1])",
        ),
        ("[tool.unsnarl.contracts.a]\ntyping = 1", "tool.unsnarl.contracts.a.typing", 6, "expected true or false"),
        ("[tool.unsnarl.contracts.a]", "tool.unsnarl.contracts.a", 5, "asks for nothing"),
        (
            "contracts.a.layers = ['a | b : c']",
            "tool.unsnarl.contracts.a.layers",
            5,
            "by ` | ` or by ` : `, not by both",
        ),
        ("contracts.a.layers = ['a', 'b | a']", "tool.unsnarl.contracts.a.layers", 5, '"a" is named twice'),
        ("contracts.a.layers = ['a', '()']", "tool.unsnarl.contracts.a.layers", 5, "names no module and no path"),
        (
            "[tool.unsnarl.contracts.a]\nlayers = ['a']\nindependent = ['b']",
            "tool.unsnarl.contracts.a.independent",
            7,
            "goes with no `layers`: make it a contract of its own",
        ),
        (
            "[tool.unsnarl.contracts.a]\nsources = ['a']",
            "tool.unsnarl.contracts.a.sources",
            6,
            "says nothing without `targets` or `packages`",
        ),
        ("contracts.a.targets = ['a']", "tool.unsnarl.contracts.a.targets", 5, "says nothing without `sources`"),
        (
            "contracts.a = {sources = ['a | b'], targets = ['c']}",
            "tool.unsnarl.contracts.a.sources",
            5,
            "one part each",
        ),
        (
            "contracts.a = {sources = ['a'], packages = ['c-d']}",
            "tool.unsnarl.contracts.a.packages",
            5,
            "is no name of a",
        ),
        (
            "contracts.a = {independent = ['a', 'b'], ignore = ['a > b']}",
            "tool.unsnarl.contracts.a.ignore",
            5,
            'expected "importer -> imported"',
        ),
        ("[tool.unsnarl.rules.E999]", "tool.unsnarl.rules.E999", 5, "unknown rule code"),
        (
            "[tool.unsnarl.rules.E900]\nallow-logged-tracebak = true",
            "tool.unsnarl.rules.E900.allow-logged-tracebak",
            6,
            "unknown key; did you mean `allow-logged-traceback`?",
        ),
        (
            "rules.E900.allow-logged-traceback = 1",
            "tool.unsnarl.rules.E900.allow-logged-traceback",
            5,
            "expected true or false, got a whole number",
        ),
    ],
)
def test_what_is_wrong_is_told_with_key_line_and_nearest_name(
    tmp_path: Path, text: str, key: str, line: int, said: str
) -> None:
    error = refused(PYPROJECT + text + "\n", tmp=tmp_path)
    assert (error.key, error.line) == (key, line)
    assert said in str(error)
    assert str(error).startswith(f"{tmp_path / 'pyproject.toml'}:{line}: ")


def test_keys_of_a_file_of_our_own_have_no_prefix(tmp_path: Path) -> None:
    error = refused("selct = ['E9']\n", "unsnarl.toml", tmp_path)
    assert (error.key, error.line) == ("selct", 1)


@pytest.mark.parametrize(
    ("data", "line", "said"),
    [
        (b"[tool.unsnarl\nselect = []\n", 1, "is not valid TOML: expected ']'"),
        (b"[tool.unsnarl]\nselect = [\n\n", 4, "is not valid TOML"),
        (b"[tool.unsnarl]\nselect = ['\xff']\n", 2, "is not UTF-8"),
        (b"[tool]\nunsnarl = 3\n", 2, "expected a table"),
    ],
)
def test_a_file_that_is_no_toml(data: bytes, line: int, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(data, Path("pyproject.toml"))
    assert caught.value.line == line
    assert said in str(caught.value)


def test_a_named_file_must_be_there_and_hold_our_table(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        load(tmp_path, tmp_path / "none.toml")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    with pytest.raises(SettingsError, match=r"has no table `\[tool.unsnarl\]`"):
        load(tmp_path, tmp_path / "pyproject.toml")


def test_the_nearest_file_above_counts_and_none_beyond_the_repository(tmp_path: Path) -> None:
    outer, repository, inner = tmp_path, tmp_path / "repo", tmp_path / "repo" / "pkg" / "deep"
    inner.mkdir(parents=True)
    (outer / "unsnarl.toml").write_text("")
    assert find(inner) == outer / "unsnarl.toml"
    (repository / ".git").mkdir()
    assert find(inner) is None
    assert load(inner) == Settings()
    (repository / "pyproject.toml").write_text("[tool.unsnarl]\nselect = ['E900']\n")
    assert find(inner / "file.py") == repository / "pyproject.toml"
    (inner.parent / "pyproject.toml").write_text("# unsnarl is only named here\n[tool.ruff]\n")
    assert load(inner).select == ("E900",)
    (repository / "unsnarl.toml").write_text("select = ['E903']\n")
    assert load(inner).select == ("E903",)


def test_no_key_is_required_and_every_key_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "unsnarl.toml"
    file.write_text(
        """
        safe-executor = "common_utils.error_handling:SafeExecutor"
        get-port = "common_utils.port_registry:get_port"
        get-bus = "common_utils.bus:get_bus"
        exclude = ["build/"]
        select = ["E9"]
        ignore = ["E905"]
        per-file-ignores = { "tests/*" = ["E900"] }
        require-reason = true
        target-version = "3.12"
        policy = "preserve"
        baseline = "b.jsonl"
        history = "h.jsonl"
        machines = { main = ["main_pc"] }
        contracts = { rooms = { layers = ["web", "store"], deferred = false } }
        [rules.E900]
        allow-logged-traceback = true
        """
    )
    made = load(tmp_path)
    assert made.origin == file
    assert (made.executor_module, made.executor_name) == ("common_utils.error_handling", "SafeExecutor")
    assert made.per_file_ignores == {"tests/*": ("E900",)}
    assert made.contracts == {"rooms": Contract(layers=("web", "store"), deferred=False)}
    named = set(tomllib.loads(file.read_text()))
    fields = {name.replace("_", "-") for name in Settings.__struct_fields__} - {"origin"}
    assert named == fields, "a new key belongs in this test"


keys = st.text("abcdefghij-_", min_size=1, max_size=8)


@given(st.lists(keys, min_size=1, max_size=3), keys, st.integers(0, 5))
def test_an_assignment_is_located(table: list[str], key: str, before: int) -> None:
    text = "\n" * before + f"[{'.'.join(table)}]\n# {key} = 1\n{key} = 2\n"
    tomllib.loads(text)
    assert locate(text, (*table, key)) == before + 3
    assert locate(text, (*table, key, "inside")) == before + 3
    assert locate(text, ("other" * 3,)) == 0


def test_a_key_in_a_long_string_is_not_taken_for_one() -> None:
    text = 'a = """\nb = 1\n"""\nb = 2\n'
    assert locate(text, ("b",)) == 4


@pytest.mark.parametrize(
    ("select", "ignore", "taken"),
    [
        ((), (), {"E900", "E903", "E904", "E905"}),
        (("E900",), (), {"E900"}),
        (("E9",), ("E90",), set()),
        (("E9", "E903"), ("E90",), {"E903"}),
        ((), ("E90", "E9"), set()),
        ((), ("E905",), {"E900", "E903", "E904"}),
        (("E900",), ("E900",), set()),
    ],
)
def test_the_longer_match_wins(select: tuple[str, ...], ignore: tuple[str, ...], taken: set[str]) -> None:
    selection = Selection(select, ignore)
    assert {code for code in ("E900", "E903", "E904", "E905") if selection.takes(code)} == taken


def test_codes_and_prefixes_are_known() -> None:
    check_codes(["E", "E9", "E900"], ["E900"])
    for wrong in ("E91", "F", "", "e900"):
        with pytest.raises(ValueError, match="unknown rule code"):
            check_codes([wrong], ["E900"])


def test_nearest() -> None:
    assert nearest("selct", ["select", "ignore"]) == "did you mean `select`?"
    assert nearest("zzz", ["b", "a"]) == "valid are `a`, `b`"
    assert nearest("zzz", []) == "there are none"
