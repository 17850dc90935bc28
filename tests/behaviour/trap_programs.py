"""Scripts that fall into the traps of rewriting handlers. Each is run as it is and rewritten, and has to do the same.

A name that begins with ``declined`` is that of a script in which no handler may be rewritten.
"""

from __future__ import annotations

SCRIPTS: dict[str, str] = {}

SCRIPTS["declined_destructor"] = """
import sys

class Channel:
    def __del__(self):
        try:
            print("closing", flush=True)
            raise OSError("gone")
        except Exception as e:
            print("not closed:", e, flush=True)

kept = Channel()
del kept
at_exit = Channel()
sys.at_exit = Channel()
"""

SCRIPTS["helper_of_a_destructor_at_shutdown"] = """
import sys

def release(name):
    try:
        raise OSError(name)
    except Exception as e:
        sys.__stdout__.write(f"not released: {e}\\n")

class Channel:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        release(self.name)

one = Channel("module")
sys.two = Channel("sys")
import logging
logging.three = Channel("logging")
"""

SCRIPTS["functions_run_at_exit"] = """
import atexit, logging

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
logger = logging.getLogger(__name__)

@atexit.register
def last():
    try:
        {}["absent"]
    except Exception as e:
        logger.warning("at exit: %r", e)
"""

SCRIPTS["threads_at_exit"] = """
import logging, sys, threading, time

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
logger = logging.getLogger(__name__)
begun = threading.Event()

def late():
    threading.main_thread().join()
    try:
        raise ValueError("late")
    except Exception as e:
        logger.info("after the main thread: %s", e)

def endless():
    while True:
        try:
            begun.set()
            time.sleep(0.001)
            raise ValueError
        except Exception:
            continue

threading.Thread(target=late).start()
threading.Thread(target=endless, daemon=True).start()
begun.wait()
print("main is done")
"""

SCRIPTS["declined_dataclass_body"] = """
import dataclasses, enum

@dataclasses.dataclass
class Options:
    first: int = 1
    try:
        second: int = int("x")
    except Exception as e:
        second: int = 2

class Colour(enum.Enum):
    RED = 1
    try:
        GREEN = int("x")
    except Exception:
        GREEN = 2

print(Options(), [field.name for field in dataclasses.fields(Options)], list(Colour), sorted(vars(Options)))
"""

SCRIPTS["class_body"] = """
class Settings:
    try:
        import absent_module as fast
    except Exception:
        fast = None
    else:
        slow = fast
    last = 1

print([name for name in vars(Settings) if not name.startswith("__")])
"""

SCRIPTS["module_level"] = """
try:
    import absent_module
except Exception as e:
    absent_module = None
    reason = str(e)

for number in range(3):
    try:
        print(1 // number)
    except Exception:
        continue
    finally:
        print("done with", number)

print(sorted(name for name in globals() if not name.startswith("__") and name != "SafeExecutor"))
try:
    e
except NameError as error:
    print(error)
"""

SCRIPTS["script_that_edits_the_path"] = """
import os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "plugged"))

import helper_of_the_plug

def main():
    try:
        return helper_of_the_plug.fail()
    except Exception as e:
        return f"failed: {e}"

print(main(), sys.path[0].endswith("plugged"))
"""

SCRIPTS["conditional_imports"] = '''
"""What it does."""
from __future__ import annotations

try:
    import simplejson as json
except Exception:
    import json

try:
    from absent import *
except Exception as e:
    print(type(e).__name__, e)

print(json.dumps({"a": 1}), __doc__)
'''

SCRIPTS["name_used_by_a_later_handler"] = """
def read(text):
    e = "none yet"
    try:
        value = int(text)
    except Exception as e:
        value = repr(e)
    try:
        print(value, e)
    except NameError as error:
        print(type(error).__name__, error)
    try:
        return {}[value]
    except Exception as e:
        return repr(e)

print(read("1"), read("x"))
"""

SCRIPTS["locals_end_with_the_handler"] = """
import gc, weakref

gc.disable()

class Buffer:
    pass

def fill(kept):
    buffer = Buffer()
    kept.append(weakref.ref(buffer))
    raise ValueError("no room")

def caught(kept):
    try:
        fill(kept)
    except Exception as e:
        print("in the handler", kept[-1]() is not None, e)
    print("behind it", kept[-1]() is not None)

def returned(kept):
    mine = Buffer()
    kept.append(weakref.ref(mine))
    try:
        fill(kept)
    except Exception as e:
        return str(e)

def looped(kept):
    for _ in range(3):
        try:
            fill(kept)
        except Exception as e:
            if len(kept) == 2:
                continue
            break
    print("behind the loop", [one() is not None for one in kept])

def generated(kept):
    try:
        fill(kept)
    except Exception:
        yield "while it is handled", kept[-1]() is not None
    yield "later", kept[-1]() is not None

kept = []
caught(kept)
print(returned(kept), [one() is not None for one in kept])
looped([])
print(list(generated([])))
"""

SCRIPTS["declined_generator_closed_inside"] = """
def numbers():
    number = 0
    while True:
        try:
            yield number
        except:
            print("bare handler")
            return
        number += 1

one = numbers()
print(next(one), next(one))
one.close()
two = numbers()
next(two)
try:
    print(two.throw(KeyboardInterrupt))
except StopIteration:
    print("stopped")
"""

SCRIPTS["generator_driven_from_outside"] = """
def numbers():
    number = 0
    while number < 5:
        try:
            number += yield number
        except Exception as e:
            print("thrown in:", repr(e))
            number += 2
        else:
            print("sent")
        finally:
            print("round")

one = numbers()
print(next(one), one.send(1), one.throw(ValueError("a")))
try:
    one.throw(KeyboardInterrupt("b"))
except KeyboardInterrupt as e:
    print("out:", e)
two = numbers()
print(next(two))
two.close()
three = numbers()
print(next(three))
del three
"""

SCRIPTS["cancelled_tasks"] = """
import asyncio, logging, sys

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(name)s %(message)s")
logger = logging.getLogger("poll")

async def poll(rounds):
    while True:
        try:
            rounds.append(1)
            await asyncio.sleep(0)
            if len(rounds) % 2:
                raise OSError("odd")
        except Exception as e:
            logger.warning("round %d: %s", len(rounds), e)
            await asyncio.sleep(0)
            continue

async def main():
    rounds = []
    task = asyncio.create_task(poll(rounds))
    for _ in range(9):
        await asyncio.sleep(0)
    task.cancel("enough")
    try:
        await task
    except asyncio.CancelledError as e:
        print("cancelled", e, task.cancelled(), len(rounds))
    try:
        async with asyncio.timeout(0.01):
            await poll([])
    except TimeoutError as e:
        print("timed out", e)

logger.setLevel(logging.ERROR)
asyncio.run(main())
"""
