"""What the sets say, shape by shape."""

from __future__ import annotations

import pytest

from tests.exceptions.support import answers, only, types

PROVED = [
    ("pass", set()),
    ("x = 1\ny = [x, 'a']", set()),
    ("raise ValueError('no')", {"ValueError"}),
    ("raise json.JSONDecodeError('a', 'b', 0)", {"TypeError", "json.JSONDecodeError"}),
    ("x = json.loads(a)", {"RecursionError", "TypeError", "ValueError"}),
    ("x = json.loads('{}')", {"RecursionError", "ValueError"}),
    ("x = json.loads('{}')['k']", {"KeyError", "RecursionError", "TypeError", "ValueError"}),
    ("x = json.loads('{}').get('k')", {"AttributeError", "RecursionError", "ValueError"}),
    ("x = json.dumps({'a': 1, 'b': time.time()})", {"TypeError", "ValueError"}),
    ("x = int('12')", {"ValueError"}),
    ("x = 1 / 2", set()),
    ("x = 1 % int('3')", {"ValueError", "ZeroDivisionError"}),
    ("x = f'{time.time():.2f}'", {"TypeError", "ValueError"}),
    ("x = f'{os.getpid()}'", set()),
    ("x = os.environ['A']", {"KeyError"}),
    ("x = os.environ.get('A', '1').split(',')[0]", {"IndexError", "ValueError"}),
    ("x = {'a': 1}['b']", {"KeyError"}),
    ("x = [1, 2][0]", {"IndexError"}),
    ("assert 1 < 2", {"AssertionError"}),
    ("y = undefined_name", {"NameError"}),
    ("y = z\nz = 1", {"UnboundLocalError"}),
    ("if os.getpid() > 3:\n    z = 1\ny = z", {"UnboundLocalError"}),
    ("if os.getpid() > 3:\n    z = 1\nelse:\n    z = 2\ny = z", set()),
    ("if os.getpid() > 3:\n    z = 1\nelse:\n    return\ny = z", set()),
    ("with open('a') as f:\n    x = f.read()", {"OSError", "ValueError"}),
    ("with threading.Lock():\n    pass", {"RuntimeError"}),
    ("with threading.Lock():\n    z = 1\ny = z", {"RuntimeError"}),
    ("with contextlib.suppress(OSError):\n    z = 1\ny = z", {"UnboundLocalError"}),
    ("for n in range(3):\n    x = n", set()),
    ("x, y = 1, 2", set()),
    ("x, y = 'ab'.split()", {"ValueError"}),
    ("time.sleep(1)", {"OverflowError", "ValueError"}),
    ("x = [int(s) for s in 'a b'.split()]", {"ValueError"}),
    ("s = zmq.Context().socket(zmq.REQ)", {"OverflowError", "TypeError", "ValueError", "zmq.ZMQError"}),
    ("zmq.Context().term()", {"zmq.ZMQError"}),
    ("import json", {"ImportError"}),
    ("sys.exit(1)", {"SystemExit"}),
    ("try:\n    x = int('a')\nexcept ValueError:\n    pass", set()),
    ("try:\n    x = int('a')\nexcept ValueError:\n    raise", {"ValueError"}),
    ("try:\n    x = int('a')\nexcept ValueError as error:\n    raise error", {"ValueError"}),
    ("try:\n    x = int('a')\nexcept ValueError as error:\n    raise KeyError from error", {"KeyError"}),
    ("try:\n    x = a.b.c()\nexcept Exception:\n    x = 1", set()),
    ("try:\n    x = a.b.c()\nexcept KeyError:\n    raise\nexcept Exception:\n    x = 1", {"KeyError"}),
    ("try:\n    x = open('a')\nexcept FileNotFoundError:\n    pass", {"OSError"}),
    ("try:\n    {}['a']\nexcept LookupError:\n    int('b')\nfinally:\n    [][0]", {"IndexError", "ValueError"}),
    ("with contextlib.suppress(KeyError):\n    x = {}['a']", set()),
    ("def inner():\n    return a.b()\nx = lambda: a.b()", set()),
]  # fmt: skip

HEAD = "import contextlib, json, os, sys, threading, time, zmq\n"


def body(lines: str) -> str:
    inside = "\n".join(f"        {line}" for line in lines.split("\n"))
    return f"{HEAD}\ndef f(a, b):\n    try:\n{inside}\n    except Exception:\n        pass\n"


@pytest.mark.parametrize(("lines", "expected"), PROVED)
def test_proved(lines: str, expected: set[str]) -> None:
    found = only(body(lines))
    assert types(found) == expected
    assert found.proved, found.assumed


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("x = a['k']", {"IndexError", "KeyError", "TypeError"}),
        ("x = a.b", {"AttributeError"}),
        ("x = a + b", {"OverflowError", "TypeError"}),
        ("x = a / b", {"OverflowError", "TypeError", "ZeroDivisionError"}),
        ("x = int(a)", {"OverflowError", "TypeError", "ValueError"}),
        ("x = str(a)", {"LookupError", "TypeError", "ValueError"}),
        ("x = f'{a}'", set()),
        ("if a:\n    x = 1", set()),
        ("x = a == b", set()),
        ("for x in a:\n    pass", {"TypeError"}),
        ("x = json.dumps(a)", {"TypeError", "ValueError"}),
        ("x = sorted([a, b])", {"TypeError"}),
        ("x = sorted([1, 2], key=lambda v: v)", {"TypeError"}),
        ("x = {a: 1}", {"TypeError"}),
        ("x, y = a", {"TypeError", "ValueError"}),
        ("a.b = 1", {"AttributeError", "TypeError"}),
        ("print(a)", {"OSError", "ValueError"}),
        ("x = a[1:2]", {"IndexError", "KeyError", "TypeError"}),
    ],
)
def test_assumed(lines: str, expected: set[str]) -> None:
    found = only(body(lines))
    assert types(found) == expected
    assert found.assumed is not None


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("a()", "the call to `a` at line 5 is unknown"),
        ("a.b.fetch()", "the call to `a.b.fetch` at line 5 is unknown"),
        ("x = json.dumps(a, default=b)", "the call that `json.dumps` makes to `b`"),
        ("x = sorted(a, key=b)", "the call that `sorted` makes to `b`"),
        ("eval('1')", "the call to `eval`"),
        ("raise a", "what `raise a` raises"),
        ("raise", "what the `raise` raises again"),
        ("with a:\n    pass", "what `with a` does"),
        ("yield 1", "what may be thrown in at the `yield`"),
        ("import somewhere.other", "the call to `import somewhere.other`"),
        ("json = a\nx = json.loads('1')", "the call to `json.loads`"),
        ("print = a\nprint(1)", "the call to `print`"),
        ("try:\n    raise KeyError\nexcept a:\n    raise\nexcept KeyError:\n    pass", "of unknown types"),
        ("@a\ndef g(): pass", "the decorator `@a`"),
    ],
)
def test_open(lines: str, told: str) -> None:
    found = only(body(lines))
    assert found.open is not None and told in found.open
    assert found.types == ()


def test_a_function_of_the_module_is_followed() -> None:
    found = only("""
        def port(text):
            return int("12") + depth(1)

        def depth(n):
            if n > 3:
                return depth(n)
            raise LookupError

        def f():
            try:
                return port("a")
            except Exception:
                return None
    """)
    assert {"LookupError", "ValueError"} <= types(found)


def test_a_recursion_over_several_functions_comes_to_an_end() -> None:
    found = only("""
        def a(): b()
        def b(): c(); raise KeyError
        def c(): a(); raise OSError
        def f():
            try:
                a()
            except Exception:
                pass
    """)
    assert types(found) == {"KeyError", "OSError"} and found.proved


def test_what_the_callee_catches_does_not_come_out() -> None:
    found = only("""
        def f():
            try:
                d()
            except Exception:
                pass
        def c(): raise KeyError
        def d():
            try:
                c()
            except LookupError:
                raise ValueError
    """)
    assert types(found) == {"ValueError"} and found.proved


def test_a_wrong_call_is_a_type_error() -> None:
    for call, wrong in {
        "g(1)": False,
        "g()": True,
        "g(1, 2, 3)": True,
        "g(1, b=2)": False,
        "g(1, c=2)": True,
        "g(*[1])": True,
    }.items():
        found = only(f"def g(a, b=1): pass\ndef f():\n    try:\n        {call}\n    except Exception: pass\n")
        assert ("TypeError" in types(found)) is wrong, call


def test_generators_raise_when_iterated_and_coroutines_when_awaited() -> None:
    text = """
        def g():
            yield 1
            raise KeyError

        async def h():
            raise OSError

        async def f():
            try:
                {}
            except Exception:
                pass
    """
    assert types(only(text.format("g()"))) == set()
    assert "KeyError" in types(only(text.format("for x in g(): pass")))
    assert types(only(text.format("h()"))) == set()
    assert types(only(text.format("await h()"))) == {"OSError"}
    assert only(text.format("await g()")).open is None
    assert only(text.format("await undefined()")).open is not None


def test_methods_are_followed_through_bases_and_overriding_classes() -> None:
    base = """
        class Base:
            def __init__(self):
                self.size = 1
            def connect(self):
                raise KeyError
            def run(self):
                try:
                    self.connect()
                except Exception:
                    pass
    """
    derived = """
        from subject import Base
        class Derived(Base):
            def connect(self):
                raise OSError
    """
    assert types(only(base)) == {"KeyError"}
    assert types(only(base, other=derived)) == {"KeyError", "OSError"}
    calling = """
        from other import Derived
        def f():
            try:
                Derived().connect()
            except Exception:
                pass
    """
    found = answers(subject=base, other=derived, calling=calling).of("calling.py", 4, 4)
    assert types(found) == {"OSError"}


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ("x = zmq.Context().shadow(1)", "open"),
        ("x = threading.Event().notify()", "open"),
        ("with threading.Event():\n    pass", "open"),
        ("for x in threading.Event():\n    pass", "assumed"),
        ("x = threading.Event()[0]", "assumed"),
        ("x = 1 in threading.Event()", "assumed"),
        ("x = threading.Event()()", "assumed"),
        ("x = threading.Event().anything", "assumed"),
        ("x = 'a'.nothing()", "proved"),
        ("x = None[0]", "proved"),
        ("for x in 1:\n    pass", "proved"),
        ("x = {}.items()[0]", "proved"),
    ],
)
def test_what_the_tables_do_not_list_may_be_there_for_all_that(lines: str, what: str) -> None:
    found = only(body(lines))
    assert what == ("open" if found.open else "assumed" if found.assumed else "proved")
    assert types(found) or found.proved if what != "open" else not found.types


def test_a_method_of_a_library_base_that_the_tables_lack_is_unknown() -> None:
    found = only("""
        import threading
        class Own(threading.Thread):
            def f(self):
                try:
                    self.getName()
                except Exception: pass
    """)
    assert found.open is not None and "`getName` of a threading.Thread" in found.open
    found = only("""
        import threading
        class Own(threading.Thread):
            pass
        def f():
            try:
                Own().start()
            except Exception: pass
    """)
    assert types(found) == {"AssertionError", "RuntimeError", "TypeError"}


def test_super_finds_the_method_of_the_base() -> None:
    found = only("""
        class Base:
            def close(self): raise KeyError
        class Derived(Base):
            def close(self):
                try:
                    super().close()
                except Exception:
                    pass
    """)
    assert types(found) == {"KeyError"}


SOCKET = """
    import zmq
    class Client:
        def __init__(self):
            self.sock = zmq.Context().socket(zmq.REQ)
        def ask(self):
            try:
                self.sock.recv()
            except Exception:
                pass
        def close(self):
            pass
"""


def test_an_attribute_is_what_every_assignment_makes_it() -> None:
    assert types(only(SOCKET)) == {"AttributeError", "zmq.ZMQError"}
    assert only(SOCKET).assumed == "`self.sock` is taken to be what its class makes it (line 8)"
    cleared = SOCKET.replace("            pass\n", "            self.sock = None\n", 2).replace(
        "except Exception:\n                self.sock = None", "except Exception:\n                pass"
    )
    assert types(only(cleared)) == {"AttributeError", "zmq.ZMQError"}
    other = SOCKET.replace("def close(self):\n            pass", "def close(self, x):\n            self.sock = x")
    assert only(other).open is not None


def test_an_attribute_that_another_file_assigns_is_only_assumed() -> None:
    elsewhere = "def patch(client, other):\n    client.sock = other\n"
    assert only(SOCKET, elsewhere=elsewhere).assumed is not None
    derived = "from subject import Client\nclass Own(Client):\n    def __init__(self, s):\n        self.sock = s\n"
    assert only(SOCKET, derived=derived).assumed is not None
    unknown = SOCKET.replace("class Client:", "from elsewhere import Base\n    class Client(Base):")
    assert only(unknown).assumed is not None
    named = "def patch(client, name, value):\n    setattr(client, name, value)\n"
    assert only(SOCKET, named=named).assumed is not None


def test_a_class_with_unknown_bases_is_not_made_out() -> None:
    found = only("""
        from elsewhere import Base
        class Own(Base):
            pass
        def f():
            try:
                Own()
            except Exception:
                pass
    """)
    assert found.open is not None and "a base of `Own`" in found.open


def test_errors_of_the_tree_are_spelt_as_it_imports_them() -> None:
    errors = "class Trouble(Exception): pass\nclass Worse(Trouble): pass\n"
    user = """
        from pkg.errors import Trouble, Worse
        def g(): raise Worse("no")
        def f():
            try:
                g()
            except Exception:
                pass
        def h():
            try:
                try:
                    g()
                except Trouble:
                    pass
            except Exception:
                pass
    """
    found = answers(pkg__init="", pkg__errors=errors, user=user)
    assert [each.types for _, each in found][:2] == [("pkg.errors.Worse",), ()]


def test_imports_are_followed_through_re_exports_and_aliases() -> None:
    found = answers(
        pkg__init="from .inner import act as perform\n",
        pkg__inner="def act():\n    raise KeyError\n",
        user="import pkg as p\ndef f():\n    try:\n        p.perform()\n    except Exception: pass\n",
    )
    assert types(found.of("user.py", 3, 4)) == {"KeyError"}


def test_a_module_of_the_tree_hides_the_library() -> None:
    text = "import json\ndef f():\n    try:\n        json.loads('1')\n    except Exception: pass\n"
    assert only(text).open is None
    found = only(text, json="def loads(x): raise OSError\n")
    assert found.open is not None and "json.py" in found.open


def test_a_function_that_the_tree_replaces_is_only_assumed() -> None:
    text = "import json\ndef f():\n    try:\n        json.loads('1')\n    except Exception: pass\n"
    found = only(text, patching="import json\njson.loads = None\n")
    assert found.assumed is not None and "`json.loads`, which the tree replaces" in found.assumed
    own = "import helper\ndef f():\n    try:\n        helper.act()\n    except Exception: pass\n"
    assert only(own, helper="def act(): pass\n").proved
    found = only(own, helper="def act(): pass\n", patching="import helper\nhelper.act = print\n")
    assert found.open is not None and "replaced from another module" in found.open


def test_two_modules_of_one_name_are_told_apart_by_their_root() -> None:
    user = "from helper import act\ndef f():\n    try:\n        act()\n    except Exception: pass\n"
    found = answers(
        one__user=user,
        one__helper="def act(): raise KeyError\n",
        two__user=user,
        two__helper="def act(): raise OSError\n",
    )
    assert types(found.of("one/user.py", 3, 4)) == {"KeyError"}
    assert types(found.of("two/user.py", 3, 4)) == {"OSError"}


def test_a_star_import_makes_the_built_ins_doubtful() -> None:
    text = "from somewhere import *\ndef f():\n    try:\n        int('1')\n    except Exception: pass\n"
    assert only(text).assumed is not None


def test_a_global_that_is_bound_later_may_be_missing() -> None:
    text = "def f():\n    try:\n        x = LATER\n    except Exception: pass\n{}LATER = 1\n"
    assert types(only(text.format(""))) == set()
    assert types(only(text.format("f()\n"))) == {"NameError"}
    assert types(only(text.format("def g(): f()\n"))) == set()


def test_a_name_that_a_function_rebinds_is_not_trusted() -> None:
    found = only(
        "import json\ndef g(x):\n    global json\n    json = x\n"
        "def f():\n    try:\n        json.loads('1')\n    except Exception: pass\n"
    )
    assert found.open is not None


def test_handlers_around_do_not_count_but_those_inside_a_handler_do() -> None:
    found = only(
        "def f(a):\n    try:\n        try:\n            a()\n        except Exception:\n            int('x')\n"
        "    except Exception: pass\n"
    )
    assert types(found) == {"ValueError"} and found.proved


def test_a_question_about_no_try_is_answered() -> None:
    assert answers(subject="x = 1\n").of("subject.py", 1, 0).open == "there is no `try` at subject.py:1:1"


def test_causes_count_the_calls_that_leave_sets_open() -> None:
    found = answers(
        subject="def g(a): a.go()\ndef f(a):\n    try:\n        g(a)\n    except Exception: pass\n"
        "    try:\n        a.go()\n    except Exception: pass\n"
    )
    assert found.causes() == {"the call to `a.go`": 2}
