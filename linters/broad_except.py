"""E900 and E903: handlers, and executors in their place, that catch everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from analysis.collectors.executors import Executor, executors
from analysis.collectors.handlers import Handler, HandlerCollector, Try
from analysis.walk import Collector
from linters.rule import Example, Facts, Finding, Rule

_BROAD = frozenset({"Exception", "BaseException", "builtins.Exception", "builtins.BaseException"})


class Policy(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """Options of E900. ``allow_logged_traceback``: a handler that logs with the traceback is not broad."""

    allow_logged_traceback: bool = False


def broad(handler: Handler, policy: Policy) -> bool:
    """Whether E900 flags ``handler``. The codemod asks the same function, so that the two cannot disagree."""
    # Asked for every handler of a tree, so without `handler.catches_all`, which says the same more slowly.
    if handler.reraises != "never" or (handler.types and _BROAD.isdisjoint(handler.types)):
        return False
    return not (policy.allow_logged_traceback and handler.logs_traceback)


class BroadExcept(Rule):
    """A handler that catches every error.

    ## What it flags
    An `except` that is bare, or that names `Exception` or `BaseException`, alone or in a tuple, also as
    `builtins.Exception` and in an `except*`.

    ## Why it matters
    It catches what the author expected and everything else with it: a misspelt name, a changed signature, a missing
    key. The program goes on in a state that nobody planned. A bare `except` and `BaseException` also hold back
    `KeyboardInterrupt`, `SystemExit` and the cancellation of tasks, so that a service cannot be stopped.

    ## Example
    ```python
    try:
        reply = socket.recv_json()
    except Exception as error:
        logger.warning("no reply: %s", error)
        return None
    ```

    ## Better
    ```python
    try:
        reply = socket.recv_json()
    except (zmq.ZMQError, ValueError) as error:
        logger.warning("no reply: %s", error)
        return None
    ```
    or, as `python -m codemods.safe_executor` writes it, a `SafeExecutor` that names what it recovers from, logs it in
    one form and never holds back an exit or a cancellation.

    ## When it is left alone
    - The handler raises the error that it caught again, anywhere, or every path through it ends in a `raise`.
    - It logs with the traceback, and the policy below allows that.
    - A type is reached through another name (`Alias = Exception`): names are read as they are written. Missed alarm.

    ## Options
    `[tool.unsnarl.rules.E900]`

    - `allow-logged-traceback` (default `false`): a handler that calls `logger.exception(...)`, or logs with
      `exc_info`, is not flagged.

    ## References
    - <https://docs.python.org/3/howto/logging.html>
    - <https://docs.python.org/3/library/asyncio-task.html#task-cancellation>
    """

    code: ClassVar[str] = "E900"
    name: ClassVar[str] = "broad-except"
    message: ClassVar[str] = "handler catches every error"
    since: ClassVar[str] = "0.1"
    neighbours: ClassVar[tuple[str, ...]] = ("BLE001", "B001", "B036", "E722", "W0718", "W0702")
    options_type: ClassVar[type[msgspec.Struct]] = Policy
    examples: ClassVar[tuple[Example, ...]] = (
        Example("a type of its own", "try:\n    work()\nexcept ValueError:\n    pass\n"),
        Example("bare", "try:\n    work()\nexcept:  # <E900>\n    pass\n"),
        Example("Exception", "try:\n    work()\nexcept Exception as e:  # <E900>\n    print(e)\n"),
        Example("BaseException", "try:\n    work()\nexcept BaseException:  # <E900>\n    pass\n"),
        Example("in a tuple", "try:\n    work()\nexcept (KeyError, Exception):  # <E900>\n    pass\n"),
        Example(
            "with its module", "import builtins\ntry:\n    work()\nexcept builtins.Exception:  # <E900>\n    pass\n"
        ),
        Example("the same name elsewhere", "try:\n    work()\nexcept library.Exception:\n    pass\n"),
        Example("a group", "try:\n    work()\nexcept* Exception:  # <E900>\n    pass\n"),
        Example(
            "siblings count apart",
            "try:\n    work()\nexcept OSError:\n    pass\nexcept Exception:  # <E900>\n    pass\n",
        ),
        Example(
            "nested",
            "try:\n    work()\nexcept Exception:  # <E900>\n    try:\n        other()\n    except:  # <E900>\n"
            "        pass\n",
        ),
        Example("raises again", "try:\n    work()\nexcept Exception:\n    clean()\n    raise\n"),
        Example(
            "raises again on one path",
            "try:\n    work()\nexcept Exception as e:\n    if fatal(e):\n        raise\n    note(e)\n",
        ),
        Example("raises from it", 'try:\n    work()\nexcept Exception as e:\n    raise Failed("work") from e\n'),
        Example("every path raises", "try:\n    work()\nexcept Exception:\n    raise SystemExit(1)\n"),
        Example(
            "what it raises is dropped again",
            "def f():\n    try:\n        work()\n    except Exception:  # <E900>\n        try:\n            raise\n"
            "        finally:\n            return 1\n",
        ),
        Example(
            "a function inside does not run here",
            "try:\n    work()\nexcept Exception:  # <E900>\n    def again():\n        raise\n",
        ),
        Example("logs with the traceback", 'try:\n    work()\nexcept Exception:  # <E900>\n    log.exception("x")\n'),
        Example(
            "logs with the traceback, by policy",
            'try:\n    work()\nexcept Exception:\n    log.exception("x")\n'
            'try:\n    work()\nexcept Exception:\n    log.error("x", exc_info=True)\n'
            'try:\n    work()\nexcept Exception:  # <E900>\n    log.error("x")\n',
            {"rules": {"E900": {"allow-logged-traceback": True}}},
        ),
        Example("in a string", 'text = """\ntry:\n    work()\nexcept Exception:\n    pass\n"""\n'),
    )

    def collectors(self) -> tuple[type[Collector], ...]:
        """Handlers alone."""
        return (HandlerCollector,)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Yield each broad handler."""
        policy: Policy = self.options
        for statement in facts.records(HandlerCollector):
            for handler in statement.handlers:
                if broad(handler, policy):
                    yield self._finding(facts.path, statement, handler)

    def _finding(self, path: str, statement: Try, handler: Handler) -> Finding:
        what = "every error, exits and cancellation included" if handler.catches_exits else "every error"
        return Finding(
            code=self.code,
            message=f"`{handler.header}` catches {what}: name the ones to recover from",
            path=path,
            span=handler.span,
            column=handler.span.col + 1,
            scope=statement.scope,
            source=handler.header,
        )


class BroadExecutor(Rule):
    """An executor that recovers from every error.

    ## What it flags
    A `SafeExecutor`, entered by `with`, used as a decorator or kept in a name, whose `recoverable` is missing or names
    `Exception` or `BaseException`. The class is known by its import, under any name it is given there.

    ## Why it matters
    Without `recoverable` it recovers from every `Exception`, as the handler that it replaced did. The rewrite leaves it
    so where it could not tell what the block raises; this code keeps such places in sight until they are narrowed.

    ## Example
    ```python
    with SafeExecutor(logger) as attempt:
        reply = socket.recv_json()
    ```

    ## Better
    ```python
    with SafeExecutor(logger, recoverable=(zmq.ZMQError, ValueError)) as attempt:
        reply = socket.recv_json()
    ```

    ## When it is left alone
    - `recoverable` is an expression that is no name, or comes in by `**options`: its types cannot be told. Missed
      alarm.
    - The executor is made inside a larger expression.

    ## Options
    `[tool.unsnarl]`

    - `safe-executor` (default `"runtime.safe_executor:SafeExecutor"`): the class, as `"module:name"`.

    ## References
    - <https://docs.python.org/3/reference/datamodel.html#context-managers>
    """

    code: ClassVar[str] = "E903"
    name: ClassVar[str] = "broad-executor"
    message: ClassVar[str] = "SafeExecutor recovers from every Exception"
    since: ClassVar[str] = "0.1"
    eases: ClassVar[tuple[str, ...]] = ("E900",)
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "names what it recovers from",
            "from runtime.safe_executor import SafeExecutor\n"
            "with SafeExecutor(log, recoverable=(OSError, ValueError)):\n    work()\n"
            "with SafeExecutor(log, recoverable=OSError):\n    work()\n",
        ),
        Example(
            "recoverable is missing",
            "from runtime.safe_executor import SafeExecutor\n"
            "with SafeExecutor(log) as attempt:  # <E903>\n    work()\n",
        ),
        Example(
            "names Exception",
            "from runtime.safe_executor import SafeExecutor\n"
            "with SafeExecutor(log, recoverable=(Exception,)):  # <E903>\n    work()\n"
            "with SafeExecutor(recoverable=(OSError, BaseException)):  # <E903>\n    work()\n",
        ),
        Example(
            "as a decorator, with parentheses and without",
            "from runtime.safe_executor import SafeExecutor\n"
            "@SafeExecutor(log)  # <E903>\ndef one(): ...\n"
            "@SafeExecutor  # <E903>\nasync def two(): ...\n"
            "@SafeExecutor(log, recoverable=(OSError,))\ndef three(): ...\n",
        ),
        Example(
            "under another name",
            "from runtime.safe_executor import SafeExecutor as Guard\nimport runtime.safe_executor as executors\n"
            "with Guard(log):  # <E903>\n    work()\nwith executors.SafeExecutor(log):  # <E903>\n    work()\n",
        ),
        Example(
            "async, and the second of two",
            "from runtime.safe_executor import SafeExecutor\nasync def main():\n"
            "    async with lock, SafeExecutor(log):  # <E903>\n        await work()\n",
        ),
        Example(
            "kept in a name",
            "from runtime.safe_executor import SafeExecutor\nguard = SafeExecutor(log)  # <E903>\n"
            "with guard:\n    work()\n",
        ),
        Example(
            "by position",
            "from runtime.safe_executor import SafeExecutor\nwith SafeExecutor(log, (OSError,)):\n    work()\n"
            "with SafeExecutor(log, Exception):  # <E903>\n    work()\nwith SafeExecutor(*arguments):\n    work()\n",
        ),
        Example(
            "for one call",
            "from runtime.safe_executor import SafeExecutor\nvalue = SafeExecutor(log).call(int, text)  # <E903>\n"
            "SafeExecutor(recoverable=ValueError).call(int, text)\n",
        ),
        Example("of another module", "from elsewhere import SafeExecutor\nwith SafeExecutor(log):\n    work()\n"),
        Example("of its own", "class SafeExecutor: ...\nwith SafeExecutor():\n    work()\n"),
        Example(
            "types that cannot be told",
            "from runtime.safe_executor import SafeExecutor\nwith SafeExecutor(log, recoverable=errors()):\n"
            "    work()\nwith SafeExecutor(log, **options):\n    work()\n",
        ),
        Example(
            "the tree's own module",
            "from common_utils.error_handling import SafeExecutor\nfrom .error_handling import SafeExecutor as Near\n"
            "with SafeExecutor(log):  # <E903>\n    work()\nwith Near(log):  # <E903>\n    work()\n",
            {"safe-executor": "common_utils.error_handling:SafeExecutor"},
        ),
        Example(
            "a class of another name",
            "from common_utils import Guard\nwith Guard(log):  # <E903>\n    work()\n",
            {"safe-executor": "common_utils.error_handling:Guard"},
        ),
    )

    def collectors(self) -> tuple[type[Collector], ...]:
        """The uses of the class that the settings name."""
        return (executors(self.settings.executor_name),)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Yield each executor that is as broad as the handler it replaced."""
        for use in facts.records(executors(self.settings.executor_name)):
            if _is_from(use, self.settings.executor_module) and (
                use.recoverable is None or not _BROAD.isdisjoint(use.recoverable)
            ):
                yield self._finding(facts.path, use)

    def _finding(self, path: str, use: Executor) -> Finding:
        why = "names no `recoverable` and so" if use.recoverable is None else "still"
        return Finding(
            code=self.code,
            message=f"`{self.settings.executor_name}` {why} recovers from every Exception: name those to recover from",
            path=path,
            span=use.span,
            column=use.column,
            scope=use.scope,
            source=use.source,
        )


def _is_from(use: Executor, module: str) -> bool:
    """Whether the class comes from ``module``, from a package above that hands it on, or by a relative import."""
    written = use.module.lstrip(".")
    if written != use.module:
        # How many packages up the dots lead is not known here; the tail of the name has to do.
        return not written or module == written or module.endswith(f".{written}")
    return module == written or (not use.star and module.startswith(f"{written}."))
