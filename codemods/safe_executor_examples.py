"""The shapes that ``codemods.safe_executor`` rewrites: tests and documentation at once."""

from codemods.edits import Example

REWRITTEN = (
    Example(
        title="the error is used",
        before="""\
import logging

logger = logging.getLogger(__name__)


def ask(sock):
    try:
        reply = sock.recv_json()
    except Exception as e:  # the peer may be gone
        logger.warning("no reply: %s", e)
        return None
    return reply
""",
        after="""\
import logging

from runtime.safe_executor import SafeExecutor

logger = logging.getLogger(__name__)


def ask(sock):
    with SafeExecutor(logger, recoverable=(Exception,)) as attempt:
        reply = sock.recv_json()
    if (e := attempt.error) is not None:  # the peer may be gone
        logger.warning("no reply: %s", e)
        del e, attempt
        return None
    return reply
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="nothing happens when it fails",
        before="""\
def close(sock):
    try:
        sock.close()
    except Exception:  # noqa: S110
        pass  # it may be closed already
""",
        after="""\
from runtime.safe_executor import SafeExecutor


def close(sock):
    with SafeExecutor(recoverable=(Exception,)):
        sock.close()
    # noqa: S110
    # it may be closed already
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="on one line",
        before="""\
def close(sock):
    try: sock.close()
    except Exception as e: print(e)
""",
        after="""\
from runtime.safe_executor import SafeExecutor


def close(sock):
    with SafeExecutor(recoverable=(Exception,)) as attempt: sock.close()
    if (e := attempt.error) is not None: print(e); del e, attempt
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="the result is made from the error",
        before="""\
def ask(sock):
    try:
        return sock.recv_json()
    except Exception as e:
        return {"status": "error", "message": str(e)}
""",
        after="""\
from runtime.safe_executor import SafeExecutor


def ask(sock):
    with SafeExecutor(recoverable=(Exception,)) as attempt:
        return sock.recv_json()
    if (e := attempt.error) is not None:
        outcome = {"status": "error", "message": str(e)}
        del e, attempt
        return outcome
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="else",
        before="""\
def load(path):
    try:
        file = open(path)
    except Exception:
        return None
    else:
        return file.read()
""",
        after="""\
from runtime.safe_executor import SafeExecutor


def load(path):
    with SafeExecutor(recoverable=(Exception,)) as attempt:
        file = open(path)
    if attempt.error is not None:
        del attempt
        return None
    else:
        return file.read()
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="finally",
        before="""\
def ask(sock):
    try:
        reply = sock.recv_json()
    # the peer may be gone
    except Exception as e:
        print(e)
        reply = None
    finally:
        sock.close()
    return reply
""",
        after="""\
from runtime.safe_executor import SafeExecutor


def ask(sock):
    try:
        with SafeExecutor(recoverable=(Exception,)) as attempt:
            reply = sock.recv_json()
        # the peer may be gone
        if (e := attempt.error) is not None:
            print(e)
            reply = None
            del e, attempt
    finally:
        sock.close()
    return reply
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="siblings become tests in their order",
        before="""\
import json


def load(text):
    try:
        return json.loads(text)
    except (ValueError, TypeError) as e:
        print("not json", e)
    except Exception as e:
        print("bad", e)
    return None
""",
        after="""\
import json

from runtime.safe_executor import SafeExecutor


def load(text):
    with SafeExecutor(recoverable=(Exception,)) as attempt:
        return json.loads(text)
    if isinstance(attempt.error, (ValueError, TypeError)):
        e = attempt.error
        print("not json", e)
        del e, attempt
    elif (e := attempt.error) is not None:
        print("bad", e)
        del e, attempt
    return None
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="errors that are never recovered keep their handler",
        before="""\
def main(agent):
    try:
        agent.run()
    except KeyboardInterrupt:
        print("bye")
    except Exception as e:
        print(e)
""",
        after="""\
from runtime.safe_executor import SafeExecutor


def main(agent):
    try:
        with SafeExecutor(recoverable=(Exception,)) as attempt:
            agent.run()
    except KeyboardInterrupt:
        print("bye")
    else:
        if (e := attempt.error) is not None:
            print(e)
            del e, attempt
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="in a loop",
        before="""\
def serve(sock, handle):
    while True:
        try:
            handle(sock.recv_json())
        except Exception as e:
            if sock.closed:
                break
            print(e)
            continue
""",
        after="""\
from runtime.safe_executor import SafeExecutor


def serve(sock, handle):
    while True:
        with SafeExecutor(recoverable=(Exception,)) as attempt:
            handle(sock.recv_json())
        if (e := attempt.error) is not None:
            if sock.closed:
                del e, attempt
                break
            print(e)
            del e, attempt
            continue
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="nested",
        before="""\
def ask(sock, other):
    try:
        try:
            return sock.recv_json()
        except Exception:
            return other.recv_json()
    except Exception as e:
        print(e)
""",
        after="""\
from runtime.safe_executor import SafeExecutor


def ask(sock, other):
    with SafeExecutor(recoverable=(Exception,)) as attempt:
        with SafeExecutor(recoverable=(Exception,)) as attempt_2:
            return sock.recv_json()
        if attempt_2.error is not None:
            del attempt_2
            return other.recv_json()
    if (e := attempt.error) is not None:
        print(e)
        del e, attempt
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="a coroutine",
        before="""\
async def ask(client):
    try:
        return await client.get()
    except Exception as e:
        await client.reset(e)
        return None
""",
        after="""\
from runtime.safe_executor import SafeExecutor


async def ask(client):
    with SafeExecutor(recoverable=(Exception,)) as attempt:
        return await client.get()
    if (e := attempt.error) is not None:
        await client.reset(e)
        del e, attempt
        return None
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="a generator",
        before="""\
def lines(source):
    try:
        yield from source
    except Exception as e:
        yield str(e)
""",
        after="""\
from runtime.safe_executor import SafeExecutor


def lines(source):
    with SafeExecutor(recoverable=(Exception,)) as attempt:
        yield from source
    if (e := attempt.error) is not None:
        yield str(e)
        del e, attempt
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="the error being handled is named",
        before="""\
import logging
import traceback

logger = logging.getLogger(__name__)


def work(job):
    try:
        job()
    except Exception:
        logger.exception("job %s failed", job)
        traceback.print_exc()
        logger.error("again", exc_info=True)
        return traceback.format_exc()
""",
        after="""\
import logging
import traceback

from runtime.safe_executor import SafeExecutor

logger = logging.getLogger(__name__)


def work(job):
    with SafeExecutor(logger, recoverable=(Exception,)) as attempt:
        job()
    if attempt.error is not None:
        logger.exception("job %s failed", job, exc_info=attempt.error)
        traceback.print_exception(attempt.error)
        logger.error("again", exc_info=attempt.error)
        outcome = "".join(traceback.format_exception(attempt.error))
        del attempt
        return outcome
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="the name is wanted elsewhere",
        before="""\
def drain(events, handle):
    for e in events:
        try:
            handle(e)
        except Exception as e:
            print(e)
""",
        after="""\
from runtime.safe_executor import SafeExecutor


def drain(events, handle):
    for e in events:
        with SafeExecutor(recoverable=(Exception,)) as attempt:
            handle(e)
        if attempt.error is not None:
            e = attempt.error
            try:
                print(e)
            finally:
                del e, attempt
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="the name is taken",
        before="""\
def connect(sock, address):
    for attempt in range(3):
        try:
            return sock.connect(address)
        except Exception as e:
            print(attempt, e)
""",
        after="""\
from runtime.safe_executor import SafeExecutor


def connect(sock, address):
    for attempt in range(3):
        with SafeExecutor(recoverable=(Exception,)) as attempt_2:
            return sock.connect(address)
        if (e := attempt_2.error) is not None:
            print(attempt, e)
            del e, attempt_2
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="at module level nothing is left behind",
        before="""\
try:
    import simplejson as json
except Exception:
    json = None
""",
        after="""\
from runtime.safe_executor import SafeExecutor

with SafeExecutor(recoverable=(Exception,)) as attempt:
    import simplejson as json
if attempt.error is not None:
    json = None
del attempt
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="in a class body",
        before="""\
class Agent:
    try:
        from fast import dumps
    except Exception as e:
        dumps = None
""",
        after="""\
from runtime.safe_executor import SafeExecutor


class Agent:
    with SafeExecutor(recoverable=(Exception,)) as attempt:
        from fast import dumps
    if attempt.error is not None:
        dumps = None
    del attempt
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="a logger of the class",
        before="""\
import logging


class Agent:
    logger = logging.getLogger("agent")

    def step(self):
        try:
            self.run()
        except Exception as e:
            self.logger.error("step failed: %s", e)
""",
        after="""\
import logging

from runtime.safe_executor import SafeExecutor


class Agent:
    logger = logging.getLogger("agent")

    def step(self):
        with SafeExecutor(self.logger, recoverable=(Exception,)) as attempt:
            self.run()
        if (e := attempt.error) is not None:
            self.logger.error("step failed: %s", e)
            del e, attempt
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="the import goes behind edits of sys.path",
        before="""\
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))

import agent


def main():
    try:
        agent.run()
    except Exception as e:
        print(e)
""",
        after="""\
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))

import agent
from runtime.safe_executor import SafeExecutor


def main():
    with SafeExecutor(recoverable=(Exception,)) as attempt:
        agent.run()
    if (e := attempt.error) is not None:
        print(e)
        del e, attempt
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="bare",
        before="""\
def close(sock):
    try:
        sock.close()
    except:
        return False
""",
        after="""\
from runtime.safe_executor import SafeExecutor


def close(sock):
    with SafeExecutor(recoverable=(Exception,)) as attempt:
        sock.close()
    if attempt.error is not None:
        del attempt
        return False
""",
        options={"unsafe": True, "policy": "preserve"},
    ),
    Example(
        title="a match statement and a walrus",
        before="""\
def route(message, handlers):
    try:
        match message:
            case {"kind": kind} if (handler := handlers.get(kind)):
                return handler(message)
            case _:
                return None
    except Exception as e:
        return repr(e)
""",
        after="""\
from runtime.safe_executor import SafeExecutor


def route(message, handlers):
    with SafeExecutor(recoverable=(Exception,)) as attempt:
        match message:
            case {"kind": kind} if (handler := handlers.get(kind)):
                return handler(message)
            case _:
                return None
    if (e := attempt.error) is not None:
        outcome = repr(e)
        del e, attempt
        return outcome
""",
        options={"policy": "preserve"},
    ),
)
