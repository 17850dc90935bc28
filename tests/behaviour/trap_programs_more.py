"""Scripts like those of ``trap_programs``: generators, tasks, tracebacks, names and ways out."""

from __future__ import annotations

MORE: dict[str, str] = {}

MORE["task_group"] = """
import asyncio

async def child(number):
    try:
        await asyncio.sleep(0)
        if number == 1:
            raise KeyError(number)
        await asyncio.sleep(10)
    except Exception as e:
        print("child", number, repr(e))
        await asyncio.sleep(0)
        raise
    finally:
        print("end of", number)

async def guarded(number):
    try:
        return await child(number)
    except Exception as e:
        return repr(e)

async def main():
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(2):
                group.create_task(child(number))
    except* KeyError as errors:
        print(errors.exceptions)
    print(await guarded(1))

asyncio.run(main())
"""

MORE["coroutine_driven_by_hand"] = """
class Step:
    def __await__(self):
        return (yield "waiting")

async def work():
    try:
        got = await Step()
    except Exception as e:
        got = await Step()
        return repr(e), got
    else:
        return got

one = work()
print(one.send(None))
try:
    one.send("answer")
except StopIteration as stop:
    print(stop.value)
two = work()
print(two.send(None), two.throw(ValueError("no")))
try:
    two.send("later")
except StopIteration as stop:
    print(stop.value)
three = work()
three.send(None)
three.close()
"""

MORE["traceback_of_an_uncaught_error"] = """
def outer():
    try:
        inner(0)
    except Exception as e:
        print("first", e)
    inner(5)

def inner(depth):
    try:
        if depth < 3:
            inner(depth + 1)
        raise SystemError("deep") if depth == 3 else KeyboardInterrupt("stop")
    except Exception as e:
        raise RuntimeError("wrapped") from e

outer()
"""

MORE["tracebacks_in_logs"] = """
import io, logging, sys, traceback

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(funcName)s %(message)s")
logger = logging.getLogger(__name__)

def fail():
    raise ValueError("why")

def report():
    try:
        fail()
    except Exception as e:
        logger.exception("failed: %s", e)
        logger.error("failed again", exc_info=True)
        logger.critical("and again", exc_info=e)
        print(traceback.format_exc())
        text = io.StringIO()
        traceback.print_exc(file=text)
        print(text.getvalue())
        kind, error, trace = sys.exc_info()
        print(kind, error, trace.tb_frame.f_code.co_name, sys.exception())

report()
logger.info("behind", exc_info=sys.exc_info()[0])
"""

MORE["exit_codes"] = """
import os, signal, sys

def run(step):
    try:
        step()
    except Exception as e:
        print("recovered", repr(e))
    return "went on"

print(run(lambda: int("x")))
try:
    run(lambda: os.kill(os.getpid(), signal.SIGINT))
except KeyboardInterrupt:
    print("interrupted")
run(lambda: sys.exit(7))
"""

MORE["recursion_limit"] = """
import sys

sys.setrecursionlimit(220)

def down():
    try:
        return down()
    except Exception as e:
        return type(e).__name__

for _ in range(3):
    print(down())
"""

MORE["private_names"] = """
class Account:
    def __init__(self):
        self.__attempt = 1

    def load(self, attempt=2):
        try:
            raise ValueError(self.__attempt)
        except Exception as __e:
            print(repr(__e), attempt)
        try:
            print(__e)
        except NameError as error:
            print(error)

Account().load()
"""

MORE["globals_and_outer_names"] = """
e = "global"

def clear():
    global e
    try:
        raise ValueError("a")
    except Exception as e:
        print(e, globals()["e"])

def outer():
    e = "outer"

    def inner():
        nonlocal e
        try:
            raise ValueError("b")
        except Exception as e:
            print(e)

    inner()
    try:
        return e
    except NameError as error:
        return repr(error)

clear()
print("e" in globals(), outer())
"""

MORE["closures_over_the_error"] = """
def make():
    told = []
    try:
        raise ValueError("a")
    except Exception as e:
        told.append(lambda: repr(e))
        print(told[0]())
    try:
        return told[0]()
    except NameError as error:
        return str(error)

print(make())
"""

MORE["returns_through_finally"] = """
def first():
    try:
        try:
            raise ValueError("a")
        except Exception as e:
            return print("handler", e)
        else:
            print("else")
        finally:
            print("inner")
    finally:
        print("outer")

def second():
    for number in range(3):
        try:
            1 // number
        except Exception:
            continue
        else:
            break
        finally:
            if number == 1:
                return number
    return "behind"

print(first(), second())
"""

MORE["one_line_suites"] = """
def f(text):
    try: value = int(text); print("read")
    except Exception: value = None; print("not read")
    try: return [value][value]
    except TypeError: return "type"  # noqa: E701
    except Exception as e: return str(e)  # pragma: no cover

print(f("0"), f("5"), f("x"))
"""

MORE["warnings_and_callers"] = """
import sys, warnings

def old():
    try:
        warnings.warn("old is old", DeprecationWarning, stacklevel=2)
        return sys._getframe(1).f_code.co_name, len(__import__("inspect").stack())
    except Exception as e:
        return repr(e)

def caller():
    return old()

warnings.simplefilter("error")
print(caller())
warnings.simplefilter("ignore")
print(caller())
"""

MORE["errors_in_groups"] = """
def run(error):
    try:
        raise error
    except KeyboardInterrupt:
        return "interrupted"
    except Exception as e:
        return repr(e)

print(run(ExceptionGroup("some", [ValueError(1), KeyError(2)])))
try:
    run(BaseExceptionGroup("more", [ValueError(1), KeyboardInterrupt()]))
except BaseExceptionGroup as group:
    print("out", group)
"""

MORE["an_error_that_lies"] = """
class Odd(Exception):
    def __bool__(self):
        return False

    def __eq__(self, other):
        raise TypeError("do not compare")

    __hash__ = None

    def __str__(self):
        raise TypeError("no text")

    def __repr__(self):
        raise TypeError("nor this")

def run():
    try:
        raise Odd
    except Exception as e:
        return type(e).__name__
    else:
        return "no error"

print(run())
"""

MORE["captured_in_another_handler"] = """
kept = []

def fail():
    raise KeyError("first")

def run():
    for step in (fail, int, fail):
        try:
            try:
                step()
            except LookupError as e:
                kept.append(lambda: e)
                raise ValueError("second") from None
        except Exception as e:
            print("caught", e)
        try:
            print(kept[-1]())
        except NameError as unbound:
            print("unbound", unbound)

run()
"""
MORE["returns_its_error_with_a_long_string"] = """
def first():
    try:
        1 / 0
    except Exception as e:
        return (None, "two \\
words", e)

print(first()[1], type(first()[2]))
"""
MORE["logger_that_a_subclass_lacks"] = """
import logging

class Base:
    def __init__(self):
        self.logger = logging.getLogger("base")

    def close(self):
        try:
            print("closed")
        except Exception as e:
            self.logger.error("%s", e)

class Fake(Base):
    def __init__(self):
        self.closed = False

Fake().close()
"""
MORE["leaves_by_an_exit_of_its_own"] = """
import gc
import weakref

gc.disable()

def exit():
    print("left")

class Big:
    pass

def work():
    big = Big()
    seen = weakref.ref(big)
    try:
        1 / 0
    except Exception as e:
        print(e)
        exit()
    return seen

print("alive" if work()() else "freed")
"""
MORE["takes_names_from_a_star"] = """
from plugged.consts import *

try:
    print(int("x"))
except Exception as e:
    print("bad", e)
import __main__

print(__main__.attempt)
"""
MORE["a_fallback_in_a_handler_that_leaves_it"] = """
def loop(values):
    for v in values:
        try:
            x = int(v)
        except Exception as e:
            print("first", e)
            try:
                x = float(v)
            except Exception as e:
                print("second", e)
                continue
        print(x)

def first(values):
    try:
        return int(values[0])
    except ValueError as e:
        print("no number", e)
        for v in values:
            try:
                return float(v)
            except Exception as e:
                if v == "stop":
                    return None
                if v == "break":
                    break
        return "none"

async def waits(v):
    try:
        return int(v)
    except Exception as e:
        print(repr(e))
        try:
            return float(v)
        except Exception as e:
            return "neither"

class Body:
    for v in ("1", "a"):
        try:
            x = int(v)
        except Exception as e:
            try:
                x = float(v)
            except Exception as e:
                break

import asyncio

loop(["a", "1", "1.5", "2"])
print(first(["a", "stop"]), first(["b", "1.5"]), first(["c", "break"]), first(["d"]))
print(asyncio.run(waits("1.5")), asyncio.run(waits("x")))
for v in ("3", "c", "4.5"):
    try:
        x = int(v)
    except Exception as e:
        try:
            x = float(v)
        except Exception as e:
            continue
    print(x)
print(Body.x, hasattr(Body, "e"))
"""
