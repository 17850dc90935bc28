"""Which logger may be named where: only one that exists whenever the code there runs."""

from __future__ import annotations

import ast
import textwrap

import pytest

from analysis.collectors.loggers import Loggers
from analysis.source import Source
from analysis.walk import Collector, Scope, Walk, collect


class Seen(Collector):
    """Notes what a file has of loggers, and the scopes and the first line of the definition around each ``mark()``."""

    topic = "seen"
    version = 1
    record = str
    nodes = (ast.Assign, ast.AnnAssign, ast.Global, ast.Expr)

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.loggers = Loggers(source.data)
        self.marked: tuple[list[Scope], int] | None = None

    def visit(self, walk: Walk, node: ast.AST) -> None:
        if not isinstance(node, ast.Expr):
            self.loggers.note(walk, node)
        elif ast.unparse(node) == "mark()":
            outermost = walk.scopes[1].node if len(walk.scopes) > 1 else node
            assert isinstance(outermost, ast.stmt)
            self.marked = list(walk.scopes), outermost.lineno

    def finish(self, walk: Walk) -> None:
        self.records.append(self)


def seen(text: str) -> Seen:
    data = textwrap.dedent(text).encode()
    source = Source.from_bytes(data, "sample.py")
    tree = source.parse()
    assert tree is not None
    found: Seen = collect(source, tree, (Seen,))["seen"][0]
    return found


def at(text: str, handlers: str = "", *taken: str) -> str:
    """The logger for the place of ``mark()``; ``taken`` are names that a function around it binds."""
    found = seen(text)
    assert found.marked is not None
    scopes, definition = found.marked
    return found.loggers.at(scopes, definition, lambda name: name not in taken, handlers)


MADE = "import logging\nlogger = logging.getLogger(__name__)\n"
USED = "def f():\n    mark()\n"


class TestModule:
    @pytest.mark.parametrize(
        "made",
        [
            "import logging\nlogger = logging.getLogger(__name__)\n",
            "from logging import getLogger\nlogger = getLogger()\n",
            "import logging\nlogger: logging.Logger = logging.getLogger('x')\n",
            "import logging\nother = logger = logging.getLogger('x')\n",
        ],
    )
    def test_one_that_was_made_above(self, made: str) -> None:
        assert at(made + USED, "logger.info(1)") == "logger"

    def test_at_module_level_too(self) -> None:
        assert at(f"{MADE}mark()\n") == "logger"

    @pytest.mark.parametrize(
        "text",
        [
            "logger = make()\n",
            "import logging\nlogger: logging.Logger\n",
            "import logging\nlogger = logging.getLogger\n",
            "import logging\nif x:\n    logger = logging.getLogger('x')\n",
            "import logging\ntry:\n    logger = logging.getLogger('x')\nfinally: pass\n",
            "import logging\ndef g():\n    logger = logging.getLogger('x')\n",
        ],
    )
    def test_not_one_that_may_not_be_there_or_be_none(self, text: str) -> None:
        assert at(text + USED) == ""

    def test_not_one_that_is_made_below(self) -> None:
        assert at(f"{USED}{MADE}") == ""
        assert at(f"mark()\n{MADE}") == ""

    @pytest.mark.parametrize(
        "more",
        [
            "logger = None\n",
            "del logger\n",
            "def g():\n    global logger\n    logger = None\n",
            "for logger in (): pass\n",
            "with open('x') as logger: pass\n",
            "from a import logger\n",
            "import logger\n",
            "def logger(): pass\n",
            "class logger: pass\n",
            "try: pass\nexcept OSError as logger: pass\n",
        ],
    )
    def test_not_one_that_is_bound_to_something_else_or_taken_away(self, more: str) -> None:
        assert at(MADE + more + USED) == ""

    def test_words_in_strings_and_comments_take_nothing_away(self) -> None:
        assert at(f"{MADE}# del logger\ntext = 'import logger'\n{USED}") == "logger"

    def test_not_one_whose_name_a_function_around_binds(self) -> None:
        assert at(MADE + USED, "", "logger") == ""

    def test_the_one_that_the_handlers_use_is_preferred(self) -> None:
        both = f"{MADE}audit = logging.getLogger('audit')\n{USED}"
        assert at(both) == "logger"
        assert at(both, "audit.warning('x')") == "audit"
        assert at(both, "audit") == "logger", "it is passed on, not used"


def in_class(body: str, head: str = "class A:\n") -> str:
    return f"import logging\n{head}{textwrap.indent(textwrap.dedent(body), '    ')}"


INIT = "def __init__(self):\n    self.log = logging.getLogger('x')\n"
METHOD = "def f(self):\n    mark()\n"


class TestClass:
    def test_an_attribute_of_the_class(self) -> None:
        assert at(in_class(f"log = logging.getLogger('x')\n{METHOD}")) == "self.log"

    def test_an_attribute_that_init_makes_first_of_all(self) -> None:
        assert at(in_class(INIT + METHOD)) == "self.log"
        assert at(in_class(INIT + METHOD, "class A(object):\n")) == "self.log"

    def test_the_modules_own_comes_first(self) -> None:
        text = f"log = logging.getLogger('x')\n{in_class(INIT + METHOD)}".replace("import logging\n", "")
        assert at(f"import logging\n{text}") == "log"
        assert at(f"import logging\n{text}", "log.info(1); self.log.info(1)") == "log"
        assert at(f"import logging\n{text}", "self.log.info(1)") == "self.log"
        assert at(f"import logging\n{text}", "catalog.info(1)") == "log"

    @pytest.mark.parametrize(
        "text",
        [
            in_class(INIT + METHOD, "class A(Base):\n"),
            in_class(INIT.replace("    self", "    start(self)\n    self") + METHOD),
            in_class(INIT.replace("    self", "    if x:\n        self") + METHOD),
            in_class(INIT.replace("__init__", "start") + METHOD),
            in_class(INIT.replace("self.log", "self.a.log") + METHOD),
            in_class(INIT + "    mark()\n"),
            in_class("log = logging.getLogger('x')\ndef __init__(self):\n    mark()\n"),
            in_class(INIT + "@classmethod\ndef f(cls):\n    mark()\n"),
            in_class(INIT + "@decorated\ndef f(self):\n    mark()\n"),
            in_class(INIT + "def f(this):\n    mark()\n"),
            in_class(INIT + "def f():\n    mark()\n"),
            in_class(INIT + "def f(self):\n    def g():\n        mark()\n"),
            in_class("if x:\n    log = logging.getLogger('x')\n" + METHOD),
            in_class(INIT) + "class B:\n    def f(self):\n        mark()\n",
        ],
    )
    def test_not_one_that_may_not_be_there_yet(self, text: str) -> None:
        assert at(text) == ""

    def test_an_attribute_of_a_nested_class_is_that_class_own(self) -> None:
        inner = f"class B:\n{textwrap.indent(INIT + METHOD, '    ')}"
        assert at(in_class(inner)) == "self.log"
        assert at(in_class(f"class B:\n{textwrap.indent(INIT, '    ')}{METHOD}")) == ""


def test_what_is_known_to_be_a_logger_anywhere_in_the_file() -> None:
    loggers = seen(in_class(f"{INIT}def f(self):\n    x = y = logging.getLogger('x')\n    z = 1\n")).loggers
    assert [name for name in ("logging", "self.log", "x", "y", "z", "log") if loggers.known(name)] == [
        "logging",
        "self.log",
        "x",
        "y",
    ]
