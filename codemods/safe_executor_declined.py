"""The shapes that ``codemods.safe_executor`` declines, each with its reason: tests and documentation at once."""

from codemods.edits import Example, Reason

DECLINED = (
    Example(
        title="bare, without --unsafe",
        before="""\
def close(sock):
    try:
        sock.close()
    except:
        pass
""",
        declined=Reason.UNSAFE,
        options={"policy": "preserve"},
    ),
    Example(
        title="a group",
        before="""\
def work(group):
    try:
        group.run()
    except* Exception as e:
        print(e.exceptions)
""",
        declined=Reason.EXCEPT_STAR,
        options={"policy": "preserve"},
    ),
    Example(
        title="a new error with the old one as its context",
        before="""\
def load(path):
    try:
        return open(path).read()
    except Exception:
        if path is None:
            raise LookupError("no path")
        return ""
""",
        declined=Reason.IMPLICIT_CONTEXT,
        options={"policy": "preserve"},
    ),
    Example(
        title="a function made in the handler reads it",
        before="""\
import sys


def work(run):
    try:
        run()
    except Exception:
        for look in (lambda: sys.exc_info()[0], lambda: "done"):
            print(look())
""",
        declined=Reason.ACTIVE_ERROR,
        options={"policy": "preserve"},
    ),
    Example(
        title="read in a way that cannot name it",
        before="""\
import sentry_sdk


def work(job):
    try:
        job()
    except Exception:
        sentry_sdk.capture_exception()
""",
        declined=Reason.ACTIVE_ERROR,
        options={"policy": "preserve"},
    ),
    Example(
        title="names of an enumeration are its members",
        before="""\
import enum


class Level(enum.Enum):
    try:
        from levels import LOW
    except Exception:
        LOW = 1
""",
        declined=Reason.CLASS_NAMES,
        options={"policy": "preserve"},
    ),
    Example(
        title="a comment inside the header",
        before="""\
def work(job):
    try:
        job()
    except (
        Exception  # all of them
    ) as e:
        print(e)
""",
        declined=Reason.COMMENT_IN_HEADER,
        options={"policy": "preserve"},
    ),
    Example(
        title="locals() is looked at",
        before="""\
def work(job):
    try:
        job()
    except Exception as e:
        print(locals())
""",
        declined=Reason.INSPECTS_NAMES,
        options={"policy": "preserve"},
    ),
    Example(
        title="a destructor",
        before="""\
class Agent:
    def __del__(self):
        try:
            self.close()
        except Exception:
            pass
""",
        declined=Reason.DESTRUCTOR,
        options={"policy": "preserve"},
    ),
    Example(
        title="a sibling that raises its error again",
        before="""\
def work(job):
    try:
        job()
    except ValueError:
        raise
    except Exception as e:
        print(e)
""",
        declined=Reason.SIBLING_RERAISES,
        options={"policy": "preserve"},
    ),
    Example(
        title="a sibling of an unknown type",
        before="""\
def work(job, kind):
    try:
        job()
    except kind.Failed:
        return None
    except Exception as e:
        print(e)
""",
        declined=Reason.SIBLING_TYPE,
        options={"policy": "preserve"},
    ),
    Example(
        title="a handler of exits behind it",
        before="""\
def work(job):
    try:
        job()
    except Exception as e:
        print(e)
    except KeyboardInterrupt:
        print("bye")
""",
        declined=Reason.SIBLING_ORDER,
        options={"policy": "preserve"},
    ),
    Example(
        title="the value needs two errors",
        before="""\
def work(job, other):
    try:
        job()
    except Exception as e:
        try:
            other()
        except ValueError as o:
            return o, e
        try:
            other()
        except Exception as o:
            return o, e
""",
        declined=Reason.TWO_ERRORS,
        options={"policy": "preserve"},
    ),
    Example(
        title="it returns through a finally of its own",
        before="""\
def work(job, log):
    try:
        job()
    except Exception as e:
        try:
            return log(e)
        finally:
            log(e)
""",
        declined=Reason.LEAVES_THROUGH_FINALLY,
        options={"policy": "preserve"},
    ),
    Example(
        title="the code runs before the import can",
        before="""\
import sys

try:
    ROOT = sys.argv[1]
except Exception:
    ROOT = "."
sys.path.insert(0, ROOT)
""",
        declined=Reason.BEFORE_IMPORT,
        options={"policy": "preserve"},
    ),
    Example(
        title="a name in full-width letters, which mean the same to Python",
        before="""\
def work(agent):
    \uff45 = 5
    try:
        agent.run()
    except Exception as e:
        print(e)
    print(\uff45)
""",
        declined=Reason.OTHER_LETTERS,
        options={"policy": "preserve"},
    ),
    Example(
        title="a library's function that tells of the error at hand",
        before="""\
def work(agent, console):
    try:
        agent.run()
    except Exception:
        console.print_exception(show_locals=True)
""",
        declined=Reason.ACTIVE_ERROR,
        options={"policy": "preserve"},
    ),
    Example(
        title="the idiom of a logging handler",
        before="""\
def emit(self, record):
    try:
        self.send(record)
    except Exception:
        self.handleError(record)
""",
        declined=Reason.ACTIVE_ERROR,
        options={"policy": "preserve"},
    ),
    Example(
        title="a helper that reads the error through another",
        before="""\
import traceback


def tell():
    print(traceback.format_exc())


class Agent:
    def report(self):
        tell()

    def run(self):
        try:
            self.step()
        except Exception:
            self.report()
""",
        declined=Reason.HELPER_READS,
        options={"policy": "preserve"},
    ),
    Example(
        title="a class whose constructor reads the error",
        before="""\
import sys


class Report:
    def __init__(self):
        self.error = sys.exc_info()[1]


def run(agent):
    try:
        agent.step()
    except Exception:
        print(Report().error)
""",
        declined=Reason.HELPER_READS,
        options={"policy": "preserve"},
    ),
    Example(
        title="an assertion, which would lose its context",
        before="""\
def run(agent):
    try:
        agent.step()
    except Exception:
        assert agent.stopped
""",
        declined=Reason.IMPLICIT_CONTEXT,
        options={"policy": "preserve"},
    ),
)
