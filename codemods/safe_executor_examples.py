"""What ``codemods.safe_executor`` makes of handlers, and of the names and the imports round them."""

from codemods.edits import Example

HANDLERS = (
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
        title="a comment stays with the return that it speaks of",
        before="""\
def ask(sock):
    try:
        return sock.recv_json()
    except Exception as e:
        print(e)
        # nothing to give
        return None
""",
        after="""\
from runtime.safe_executor import SafeExecutor


def ask(sock):
    with SafeExecutor(recoverable=(Exception,)) as attempt:
        return sock.recv_json()
    if (e := attempt.error) is not None:
        print(e)
        del e, attempt
        # nothing to give
        return None
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
        title="the error itself is returned, and so must not stay in the frame",
        before="""\
def ask(sock):
    try:
        return sock.recv_json(), None
    except Exception as e:
        print(e)
        return None, e
""",
        after="""\
from runtime.safe_executor import SafeExecutor


def ask(sock):
    with SafeExecutor(recoverable=(Exception,)) as attempt:
        return sock.recv_json(), None
    if (e := attempt.error) is not None:
        print(e)
        try:
            return None, e
        finally:
            del e, attempt
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="a function that outlives the handler uses the error",
        before="""\
def ask(sock, later):
    try:
        sock.send_json({})
    except Exception as e:
        later.append(lambda: print(e))
""",
        after="""\
from runtime.safe_executor import SafeExecutor


def ask(sock, later):
    with SafeExecutor(recoverable=(Exception,)) as attempt:
        sock.send_json({})
    if attempt.error is not None:
        e = attempt.error
        try:
            later.append(lambda: print(e))
        finally:
            del e, attempt
""",
        options={"policy": "preserve"},
    ),
    Example(
        title="a script",
        before="""\
import sys


def main():
    print(sys.argv)


if __name__ == "__main__":
    try:
        main()
    except Exception as e:
        print(e)
        sys.exit(1)
""",
        after="""\
import sys

from runtime.safe_executor import SafeExecutor


def main():
    print(sys.argv)


if __name__ == "__main__":
    with SafeExecutor(recoverable=(Exception,)) as attempt:
        main()
    if attempt.error is not None:
        e = attempt.error
        print(e)
        sys.exit(1)
    del attempt
""",
        options={"policy": "preserve"},
    ),
)
