"""The tables against the libraries they describe: every name exists, every base is right, every spelling is public."""

from __future__ import annotations

import builtins
import functools
import importlib
import inspect
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from analysis.effects.kinds import base, held, is_plain, parts, split
from config.knowledge import TABLES, Entry, KnowledgeError, knowledge, load

# A table may hold a name that the newest Python has begun to take leave of.
pytestmark = pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning")

TOLD = knowledge()
OPTIONAL = {
    "aiohttp": "aiohttp",
    "psutil": "psutil",
    "redis": "redis",
    "requests": "requests",
    "torch": "torch",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}
PSEUDO = {"None", "ellipsis", "iterator", "json", "size", "view", "duration", "literal"}
"""Types of ours that no class stands for."""


@functools.cache
def thing(dotted: str) -> Any:
    """What a dotted name finds, importing as little as needed; skips the test where a package is not installed."""
    names = dotted.split(".")
    if hasattr(builtins, names[0]):
        found: Any = builtins
        for name in names:
            found = getattr(found, name)
        return found
    if names[0] in OPTIONAL:
        pytest.importorskip(names[0], reason=f"{OPTIONAL[names[0]]} is not installed")
    for end in range(len(names), 0, -1):
        try:
            found = importlib.import_module(".".join(names[:end]))
        except ModuleNotFoundError:
            continue
        for name in names[end:]:
            if found in (threading.Lock, threading.RLock, threading.Condition):
                found = found()  # functions until 3.13; methods made by the instance
            found = getattr(found, name)
        return found
    raise AssertionError(f"no module for {dotted}")


def entries() -> list[tuple[str, Entry]]:
    found = list(TOLD.functions.items())
    for name, kind in TOLD.kinds.items():
        found += [(f"{name}.{method}", entry) for method, entry in kind.methods.items()]
        if kind.new is not None:
            found.append((f"{name}.__init__", kind.new))
    return found


def invented(kind: str) -> bool:
    """Whether the class is one of ours: a name that its module does not have."""
    return kind in PSEUDO or kind.rpartition(".")[2].startswith("_") or kind in {"datetime._", "io.BufferedIOBase"}


@pytest.mark.parametrize("name", sorted(TOLD.functions))
def test_each_function_exists(name: str) -> None:
    if name in {"exit", "quit"}:
        pytest.skip("put there by the site module, which may be switched off")
    assert callable(thing(name))


@pytest.mark.parametrize("name", sorted(TOLD.exceptions))
def test_each_exception_exists_and_has_the_bases_told(name: str) -> None:
    found = thing(name)
    assert issubclass(found, BaseException)
    for told in TOLD.exceptions[name].split(", "):
        assert issubclass(found, thing(told)), told
    assert {getattr(builtins, each.__name__) for each in found.__mro__[:-1] if each.__module__ == "builtins"} <= {
        thing(each) for each in TOLD.ancestors(name)
    }


@pytest.mark.parametrize("alias", sorted(TOLD.aliases))
def test_each_alias_means_the_same(alias: str) -> None:
    told = TOLD.aliases[alias]
    try:
        found = thing(alias)
    except AttributeError:
        pytest.skip(f"{alias} came later than this version")
    if inspect.ismodule(found):
        assert inspect.ismodule(thing(told)) or not told
    else:
        assert found is thing(told)


@pytest.mark.parametrize("name", sorted(TOLD.kinds))
def test_each_class_has_the_members_told(name: str) -> None:
    if invented(name):
        pytest.skip("a type of ours, not a class")
    cls = thing(name) if name != "None" else type(None)
    if cls in (threading.Lock, threading.RLock, threading.Condition):  # functions until 3.13; made by the instance
        cls = cls()
    for method in TOLD.kinds[name].methods:
        assert hasattr(cls, method), method


@pytest.mark.parametrize("name", sorted(TOLD.values))
def test_each_value_is_of_the_type_told(name: str) -> None:
    value = thing(name)
    kind = TOLD.values[name]
    real = {"size": int, "None": type(None), "io.TextIOWrapper": object}
    assert isinstance(
        value,
        tuple(real.get(part) or thing(part) for part in parts(kind) if not invented(part) or part in real) or object,
    )


@pytest.mark.parametrize(("name", "entry"), entries())
def test_each_entry_is_complete(name: str, entry: Entry) -> None:
    for each in (entry, *entry.given.values()):
        for error in (*each.raises, *(added for more in each.keywords.values() for added in more)):
            assert TOLD.is_exception(error), error
            assert TOLD.canonical(error) == error, f"{error} has a public spelling"
        check_kind(each.gives)
    if (
        "TypeError" not in entry.raises
        and "Exception" not in entry.raises
        and not name.endswith(("__enter__", "__exit__", "__iter__", "__aenter__", "__aexit__"))
    ):
        special = name.rpartition(".")[2].startswith("__")
        assert entry.takes is not None or special or entry.assumes, "a wrong number of arguments is a TypeError"
    for types in entry.given:
        for kind in types.split(", "):
            if kind not in {"", "?", "*"}:
                check_kind(kind)


def check_kind(kind: str | None) -> None:
    """Every part is a known type."""
    if kind is None or kind in {"self", "default"}:
        return
    for part in parts(kind):
        name = base(part)
        assert name in TOLD.kinds or name in PSEUDO | {"element", "default", "self"}, name
        inner = held(part)
        if inner is not None and inner != "json":
            for each in split(inner):
                if each not in {"?", ""}:
                    check_kind(each)


@pytest.mark.parametrize(("name", "entry"), [pair for pair in entries() if pair[1].takes is not None])
def test_the_number_of_arguments_is_right(name: str, entry: Entry) -> None:
    if invented(name.rpartition(".")[0]):
        pytest.skip("a type of ours, not a class")
    owner = name.rpartition(".")[0]
    found = thing(name)
    try:
        parameters = list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError):
        pytest.skip("it tells no signature")
    if owner in TOLD.kinds and name not in TOLD.functions and parameters and parameters[0].name in {"self", "/", "cls"}:
        parameters = parameters[1:]
    positional = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    many = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    low, high = entry.arity() or (0, 0)
    assert sum(each.default is each.empty for each in positional) <= low or name == "object"
    assert many or len(positional) >= high


def test_reading_them_again_is_quick(tmp_path: Path) -> None:
    for file in TABLES.glob("*.yaml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    first = load(tmp_path)
    best = 1.0
    for _ in range(5):
        start = time.perf_counter()
        again = load(tmp_path)
        best = min(best, time.perf_counter() - start)
    assert again.functions == first.functions == TOLD.functions
    assert again.kinds == first.kinds == TOLD.kinds
    assert best < 0.05, f"{best:.3f} s"


def test_a_damaged_cache_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("own: {functions: {f: {raises: [ValueError], takes: '1'}}}\n")
    assert load(tmp_path).functions["own.f"].raises == ("ValueError",)
    kept = next((tmp_path / "__pycache__").iterdir())
    for damage in (b"", b"\xc1", kept.read_bytes()[:-3], msgspec.msgpack.encode([[0, []], {}])):
        kept.write_bytes(damage)
        assert load(tmp_path).functions["own.f"].raises == ("ValueError",)


def test_a_changed_table_is_read_anew(tmp_path: Path) -> None:
    table = tmp_path / "own.yaml"
    table.write_text("own: {functions: {f: {raises: [ValueError]}}}\n")
    load(tmp_path)
    table.write_text("own: {functions: {f: {raises: [OSError]}}}\n")
    assert load(tmp_path).functions["own.f"].raises == ("OSError",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("own: {functions: {f: {rases: [ValueError]}}}", "did you mean `raises`?"),
        ("own: {functions: {f: {arguments: all}}}", "arguments"),
        ("own: [", "not valid YAML"),
        ("- own", "Expected `object`"),
    ],
)
def test_a_bad_table_says_where(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(KnowledgeError, match=r"own\.yaml") as caught:
        load(tmp_path)
    assert told in str(caught.value)


def test_what_holds_only_known_types_is_plain() -> None:
    assert is_plain("json") and is_plain("list[str]") and is_plain("tuple[str,list[int]]")
    assert (
        not is_plain("list")
        and not is_plain("dict[list]")
        and not is_plain("0::Own()")
        and not is_plain("BaseException")
    )
