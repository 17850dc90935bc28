"""What really comes out of generated code is in the set that was given for it.

A proved set must hold whatever the operands are; an assumed one when they are of built-in types.
"""

from __future__ import annotations

import ast
import os
import warnings
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.exceptions.support import answers, real

PROGRAMS = int(os.environ.get("UNSNARL_FUZZ", "0")) or 120

IMPORTS = """
import base64, collections, datetime, hashlib, html, io, json, math, os, pathlib, queue, random, re, struct, threading
import time, urllib.parse, uuid
from datetime import datetime as when, timedelta
from json import loads
LIMIT = 10
NAMES = ["a", "b"]
TABLE = {"a": 1}
"""


def parted(text: str) -> list[str]:
    """The pieces between the double semicolons."""
    return [piece.strip() for piece in text.split(";;")]


LITERALS = parted(r"""
    0 ;; 1 ;; -3 ;; 2 ** 70 ;; 10 ** 5000 ;; 0.0 ;; 1.5 ;; -2.5 ;; float('inf') ;; True ;; None ;; '' ;; 'a' ;;
    '12' ;; 'x y' ;; '{}' ;; '[1, 2]' ;; '(a' ;; '%s %d' ;; '{0} {a}' ;; b'' ;; b'ab' ;; b'\xff' ;; [] ;;
    [1, 'a'] ;; ['b', 'a'] ;; [3, 1] ;; {} ;; {'a': 1} ;; {'a': [1]} ;; {1, 2} ;; (1, 2) ;; (1, 'a', None) ;;
    LIMIT ;; NAMES ;; TABLE ;; '\ud800' ;; '\0' ;; lambda v: v ;; len ;; str ;; range(3) ;; timedelta(1) ;;
    when.now() ;; when(2020, 1, 1, tzinfo=datetime.timezone.utc) ;; pathlib.Path('/nonexistent') ;;
    uuid.uuid4() ;; re.compile('a(b)?') ;; queue.Queue() ;; threading.Lock() ;; collections.deque([1])
""")

CALLS = parted(r"""
    len({}) ;; str({}) ;; int({}) ;; float({}) ;; bool({}) ;; repr({}) ;; abs({}) ;; round({}) ;;
    round({}, {}) ;; range({}) ;; range({}, {}) ;; list({}) ;; tuple({}) ;; set({}) ;; dict({}) ;;
    sorted({}) ;; sorted({}, key=lambda v: v[0]) ;; sum({}) ;; min({}) ;; max({}, {}) ;; max({}, default=0) ;;
    any({}) ;; all({}) ;; enumerate({}) ;; list(enumerate({})) ;; list(zip({}, {})) ;; reversed({}) ;;
    isinstance({}, str) ;; isinstance({}, (int, float)) ;; hasattr({}, 'x') ;; getattr({}, 'x', None) ;;
    getattr({}, 'real') ;; type({}) ;; id({}) ;; callable({}) ;; hash({}) ;; ord({}) ;; chr({}) ;; hex({}) ;;
    bytes({}) ;; divmod({}, {}) ;; pow({}, {}) ;; format({}, {}) ;; json.loads({}) ;; loads({}) ;;
    json.dumps({}) ;; json.dumps({}, indent=2) ;; re.search({}, {}) ;; re.match('a(b)?', {}) ;;
    re.findall({}, {}) ;; re.sub({}, {}, {}) ;; re.split({}, {}) ;; re.compile({}) ;; os.path.join({}, {}) ;;
    os.path.join('a', {}) ;; os.path.exists({}) ;; os.path.isfile({}) ;; os.path.basename({}) ;;
    os.path.dirname({}) ;; os.path.abspath({}) ;; os.path.splitext({}) ;; os.path.getsize({}) ;;
    os.path.normpath({}) ;; os.path.relpath({}) ;; os.getenv('HOME') ;; os.getenv({}) ;;
    os.environ.get({}, {}) ;; os.environ[{}] ;; os.getcwd() ;; os.getpid() ;; os.listdir({}) ;; os.stat({}) ;;
    pathlib.Path({}) ;; pathlib.Path('x') / {} ;; {} / pathlib.Path('x') ;; open({}) ;; open({}, {}) ;;
    time.time() ;; time.strftime({}) ;; time.perf_counter() ;; when.now() ;; when.now().isoformat() ;;
    when.now().strftime({}) ;; when.fromisoformat({}) ;; when.fromtimestamp({}) ;; when.strptime({}, {}) ;;
    when.now() - {} ;; when.now() + {} ;; {} - when.now() ;; timedelta({}) ;; timedelta(seconds={}) ;;
    {} - timedelta(1) ;; timedelta(1) * {} ;; timedelta(1) / {} ;; math.sqrt({}) ;; math.floor({}) ;;
    math.log({}) ;; math.isnan({}) ;; math.exp({}) ;; math.ceil({}) ;; random.choice({}) ;;
    random.randint({}, {}) ;; random.uniform({}, {}) ;; struct.pack({}, {}) ;; struct.unpack({}, {}) ;;
    base64.b64encode({}) ;; base64.b64decode({}) ;; hashlib.md5({}) ;; hashlib.sha256({}).hexdigest() ;;
    uuid.UUID({}) ;; html.escape({}) ;; urllib.parse.quote({}) ;; urllib.parse.urlparse({}) ;;
    urllib.parse.urlparse('http://a/b').netloc ;; urllib.parse.urljoin({}, {}) ;; {}.strip() ;; {}.split() ;;
    {}.split({}) ;; {}.lower() ;; {}.encode() ;; {}.decode() ;; {}.format({}) ;; {}.join({}) ;;
    {}.startswith({}) ;; {}.replace({}, {}) ;; {}.get({}) ;; {}.get({}, {}) ;; {}.items() ;; {}.keys() ;;
    {}.values() ;; {}.pop({}) ;; {}.pop() ;; {}.append({}) ;; {}.extend({}) ;; {}.update({}) ;; {}.copy() ;;
    {}.index({}) ;; {}.count({}) ;; {}.remove({}) ;; {}.sort() ;; {}.insert({}, {}) ;; {}.add({}) ;;
    {}.union({}) ;; {}.isoformat() ;; {}.total_seconds() ;; {}.setdefault({}, {}) ;; {}.exists() ;;
    {}.read_text() ;; {}.name ;; {}.parent ;; {}.real ;; {}.days ;; {}.group({}) ;; {}.x ;; {}.put({}) ;;
    {}.get_nowait() ;; {}.popleft() ;; {}.partition({}) ;; {}.find({}) ;; NAMES[{}] ;; TABLE[{}] ;;
    TABLE.get({}) ;; ' '.join({}) ;; '%s' % {} ;; '%d %s' % ({}, {}) ;; '{{}}'.format({}) ;;
    threading.Lock() ;; io.StringIO({}) ;; uuid.uuid4().hex ;; os.path.join(os.getcwd(), {}, 'a') ;;
    'a'.center({}) ;; collections.deque({}) ;; random.random() ;; json.load({}) ;; str(uuid.uuid4())[:8]
""")

OWN = parted("""
    h0({}) ;; h0({}, {}) ;; h1({}) ;; h1(q={}) ;; h1(*{}) ;; K({}) ;; K({}).m() ;; K({}).m({}) ;; K({}).a ;;
    K({}).b ;; D({}).m() ;; D({}).c({}) ;; list(g0({})) ;; next(g0({})) ;; p.m() ;; K.m({})
""")
"""Calls of what the program defines itself."""

OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "|", "&", "^", "<<", ">>"]
COMPARISONS = ["==", "!=", "<", ">=", "in", "not in", "is", "is not"]
NAMES = ["p", "q", "r", "s", "t"]


@st.composite
def expressions(draw: st.DrawFn, depth: int = 2) -> str:
    """One expression, as source."""
    if depth == 0:
        return draw(st.one_of(st.sampled_from(LITERALS), st.sampled_from(NAMES), st.sampled_from(NAMES)))
    inner = expressions(depth - 1)

    def some() -> str:
        return f"({draw(inner)})"

    match draw(st.integers(0, 13)):
        case 0 | 1 | 2 | 3 | 4:
            template = draw(st.sampled_from(CALLS + OWN * 3))
            return template.format(*(some() for _ in range(template.replace("{{}}", "").count("{}"))))
        case 5:
            return f"{some()} {draw(st.sampled_from(OPERATORS))} {some()}"
        case 6:
            return f"{some()} {draw(st.sampled_from(COMPARISONS))} {some()}"
        case 7:
            return f"{some()}[{draw(inner)}]"
        case 8:
            return (
                "f'{"
                + draw(st.sampled_from([*NAMES, "LIMIT", "TABLE", "p.x"]))
                + draw(st.sampled_from(["", ":>5", ":.2f", "!r", ":d"]))
                + "}'"
            )
        case 9:
            return f"{some()} {draw(st.sampled_from(['and', 'or']))} {some()}"
        case 10:
            return f"{some()} if {some()} else {some()}"
        case 11:
            left, right = draw(st.sampled_from(["[]", "()", "{}", "[]"]))
            return f"{left}{draw(inner)} for v in {some()} if {some()}{right}"
        case 12:
            return f"{some()}[{draw(inner)}:{draw(inner)}]"
        case _:
            return draw(
                st.sampled_from(
                    [
                        f"not {some()}",
                        f"-{some()}",
                        f"[{some()}, {some()}]",
                        f"({some()}, {some()})",
                        f"{{{some()}: {some()}}}",
                    ]
                )
            )


@st.composite
def statements(draw: st.DrawFn, depth: int = 2) -> list[str]:
    """A few statements, as lines."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        value = draw(expressions(draw(st.integers(0, 2))))
        name = draw(st.sampled_from(NAMES))
        kind = draw(st.integers(0, 15 if depth else 8))
        match kind:
            case 0 | 1 | 2:
                lines.append(f"{name} = {value}")
            case 3:
                lines.append(value)
            case 4:
                lines.append(f"{name} {draw(st.sampled_from(OPERATORS))}= {value}")
            case 5:
                lines.append(f"{name}, {draw(st.sampled_from(NAMES))} = {value}")
            case 6:
                lines.append(f"{name}[{draw(expressions(1))}] = {value}")
            case 7:
                lines.append(draw(st.sampled_from([f"del {name}", f"del {name}[{value}]", f"assert {value}"])))
            case 8:
                lines.append(
                    draw(
                        st.sampled_from(
                            [f"raise ValueError({value})", "raise KeyError", f"return {value}", "import json"]
                        )
                    )
                )
            case 9 | 10:
                lines += [f"if {value}:", *indented(draw(statements(depth - 1)))]
                if draw(st.booleans()):
                    lines += ["else:", *indented(draw(statements(depth - 1)))]
            case 11:
                lines += [f"for {name} in {value}:", *indented([*draw(statements(depth - 1)), "break"])]
            case 12:
                lines += [f"for {name}, t in {value}:", *indented(draw(statements(depth - 1)))]
            case 13 | 14:
                caught = draw(
                    st.sampled_from(
                        [
                            "ValueError",
                            "(KeyError, TypeError)",
                            "Exception",
                            "OSError as r",
                            "Exception as r",
                            "LookupError",
                        ]
                    )
                )
                last = draw(st.sampled_from([["pass"], ["raise"], None]))
                lines += ["try:", *indented(draw(statements(depth - 1)))]
                lines += [f"except {caught}:", *indented(last or draw(statements(depth - 1)))]
                if draw(st.booleans()):
                    lines += ["else:", *indented(draw(statements(depth - 1)))]
                if draw(st.booleans()):
                    lines += ["finally:", *indented(draw(statements(0)))]
            case _:
                context = draw(st.sampled_from(["open('/nonexistent')", "threading.Lock()", "io.StringIO()", name]))
                lines += [f"with {context} as {draw(st.sampled_from(NAMES))}:", *indented(draw(statements(depth - 1)))]
    return lines


def indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


class Awkward:
    """Raises its own error from everything Python asks of it."""

    def fail(self, *args: object) -> Any:
        raise EnvironmentErrorOfOurs("awkward")

    def __getattr__(self, name: str) -> Any:
        raise EnvironmentErrorOfOurs(name)


PROTOCOLS = (
    "__str__ __repr__ __len__ __bool__ __iter__ __getitem__ __eq__ __hash__ __add__ __radd__ __contains__ __lt__ "
    "__fspath__ __index__ __int__ __float__ __format__ __enter__ __exit__ __call__"
)
for each in PROTOCOLS.split():
    setattr(Awkward, each, Awkward.fail)


class EnvironmentErrorOfOurs(Exception):
    pass


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.binary(max_size=4)
PLAIN = st.recursive(
    SCALARS | st.sampled_from(["12", '{"a": 1}', "a"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2) | st.tuples(inner, inner)
    ),
    max_leaves=4,
)
OBJECTS = PLAIN | st.builds(Awkward) | st.just(object()) | st.just(len)


@st.composite
def definitions(draw: st.DrawFn) -> list[str]:
    """Functions and classes that the statements may use, with generated bodies."""

    def inside() -> list[str]:
        return indented(draw(statements(1)))

    return [
        "def h0(p, q=0):", *inside(),
        "def h1(p=1, *, q=2):", *inside(), "    return h0(p)",
        "def g0(p):", "    q = 1", *inside(), "    yield p", *inside(),
        "class K:", "    def __init__(self, p):", "        self.a = p", "        q = p", *indented(inside()),
        "    @property", "    def b(self):", "        p = q = self.a", *indented(inside()),
        "    def m(self, p=0):", "        q = self.a", *indented(inside()),
        "class D(K):", "    def m(self, q=0):", "        p = super().m()", *indented(inside()),
        "    def c(self, p):", "        q = self.m()", "        p = self.b", *indented(inside()),
    ]  # fmt: skip


def source_of(body: list[str], before: list[str], defined: list[str]) -> str:
    lines = [
        *defined,
        "def run(p, q):",
        *indented(before),
        "    try:",
        *indented(indented(body)),
        "    except Exception as error:",
        "        return error",
    ]
    return "\n".join([IMPORTS, *lines, ""])


def check(body: list[str], before: list[str], defined: list[str], one: Any, two: Any, *, plain: bool) -> str:
    text = source_of(body, before, defined)
    line = next(
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Try) and node.col_offset == 4 and node.end_lineno == text.count("\n")
    )
    found = answers(subject=text).of("subject.py", line, 4)
    if found.open is not None or (found.assumed is not None and not plain):
        return "open" if found.open else "assumed"
    scope: dict[str, Any] = {"__name__": "subject", "__file__": "/x/subject.py"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(text, "subject.py", "exec"), scope)
        try:
            error = scope["run"](one, two)
        except Exception:
            return "before"  # raised before the block was entered
    if (
        isinstance(error, Exception)
        and error.__traceback__ is not None
        and not isinstance(error, (MemoryError, RecursionError))
    ):
        covered = tuple(real(name) for name in found.types)
        assert isinstance(error, covered), (
            f"{type(error).__name__}: {error}\nnot in {found.types} ({found.assumed})\n{text[len(IMPORTS) :]}"
        )
        return "raised"
    return "quiet"


@given(statements(), st.lists(statements(0), max_size=1), definitions(), PLAIN, PLAIN)
@settings(max_examples=PROGRAMS, deadline=None, suppress_health_check=list(HealthCheck))
def test_sets_hold_for_operands_of_built_in_types(
    body: list[str], before: list[list[str]], defined: list[str], one: Any, two: Any
) -> None:
    check(body, [line for lines in before for line in lines], defined, one, two, plain=True)


@given(statements(), st.lists(statements(0), max_size=1), definitions(), OBJECTS, OBJECTS)
@settings(max_examples=PROGRAMS, deadline=None, suppress_health_check=list(HealthCheck))
def test_proved_sets_hold_for_any_operand(
    body: list[str], before: list[list[str]], defined: list[str], one: Any, two: Any
) -> None:
    check(body, [line for lines in before for line in lines], defined, one, two, plain=False)
