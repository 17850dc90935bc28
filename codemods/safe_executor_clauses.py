"""What ``codemods.safe_executor`` makes of the other clauses of a statement, and of the code that it stands in."""

from codemods.edits import Example

CLAUSES = (
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
