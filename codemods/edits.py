"""What a codemod says about a finding: how to change the bytes, or why it does not.

An edit is never a new text of the file. It is a few **splices** (this stretch of bytes becomes that text) and
**indents** (these lines move to the right). Bytes that no splice names are never rendered and so cannot change, and
the edits of a statement and of another one inside it can be made in one pass over the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

import msgspec

from analysis.facts import Span

Kind = Literal["rewritten", "narrowed"]
Safety = Literal["safe", "unsafe"]


class Splice(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Replace the bytes ``start`` to ``end`` (offsets into ``Source.data``, the end exclusive) by ``text``.

    ``start == end`` inserts. ``text`` uses a line feed for every line end and is written in the file's encoding, with
    the newline of the line where it goes in. It is written as if no ``Indent`` were in force: a line that begins in it
    moves together with the line it goes in, or with line ``along`` where that is given, which is how a rewrite stays
    right inside another one.
    """

    start: int
    end: int
    text: str
    along: int = 0


class Indent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Put ``by`` before the physical lines ``first`` to ``last`` (from 1, both included).

    ``first`` must begin a statement. Blank lines and lines that begin inside a string literal stay as they are: the
    engine finds them; ``keep`` names more lines to leave alone. Indents of several rewrites add up, outermost first.
    """

    first: int
    last: int
    by: str
    keep: tuple[int, ...] = ()


class Need(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A name that new text uses and that has to be imported: ``from module import name``."""

    module: str
    name: str


class Reason(StrEnum):
    """Why a finding was not rewritten. The list is closed, so that reports can be counted and compared."""

    # Said by the engine.
    CONFLICT = "overlaps-another-rewrite"
    UNENCODABLE = "text-does-not-fit-the-encoding"
    COMPILE = "result-does-not-compile"
    COMMENT = "a-comment-would-be-lost"
    OUTSIDE = "bytes-outside-would-change"
    REMAINS = "finding-would-remain"
    UNSTABLE = "second-run-would-change-it"
    UNSAFE = "needs-unsafe"
    LIMIT = "max-files-reached"
    UNANSWERED = "no-rewrite-for-this-shape"
    OTHER_LETTERS = "names-in-other-letters"
    # Said by the rewrites of handlers.
    EXCEPT_STAR = "except-star"
    CATCHES_EXITS = "catches-exits"
    ACTIVE_ERROR = "reads-the-error-being-handled"
    HELPER_READS = "calls-a-helper-that-reads-the-error-being-handled"
    IMPLICIT_CONTEXT = "raises-with-the-error-as-context"
    LEAVES_THROUGH_FINALLY = "leaves-through-its-own-finally"
    ONE_LINE = "handler-on-one-line"
    TWO_ERRORS = "returns-a-value-of-two-errors"
    COMMENT_IN_HEADER = "comment-inside-the-header"
    CLASS_NAMES = "names-of-the-class-body-count"
    INSPECTS_NAMES = "looks-at-local-names"
    DESTRUCTOR = "runs-in-a-destructor"
    SIBLING_RERAISES = "sibling-handler-reads-or-raises-its-error"
    SIBLING_TYPE = "sibling-type-is-not-known"
    SIBLING_ORDER = "order-of-the-handlers"
    STANDALONE = "file-runs-without-the-import-target"
    # Said by the rewrites of ports.
    PORT_CONFLICT = "port-has-two-owners"
    PORT_OF_SEVERAL = "port-of-several-machines"
    OTHER_REGISTRY = "another-registry-is-nearer"
    NO_NAME_YET = "port-has-no-name-yet"
    OTHER_OWNER = "called-after-another-owner"
    LONG_TEXT = "inside-a-text-of-several-lines"
    INSIDE_FIELD = "inside-a-replacement-field"
    NOT_FOUND = "number-not-found-in-the-text"
    TEST_DATA = "test-data"
    # Said by the ways to cut an import.
    CONDITIONAL = "import-under-a-condition"
    UNCERTAIN = "import-cannot-be-read-off-the-source"
    SHARED_LINE = "several-statements-on-a-line"
    BOUND_TWICE = "name-bound-by-several-imports"
    BOUND_ANEW = "name-is-bound-anew"
    OFFERED = "name-is-taken-from-here"
    NEEDED = "needed-while-imported"
    CALLED_AT_IMPORT = "function-called-while-imported"
    LOOKED_UP = "name-looked-up-by-a-text"
    ANNOTATION = "annotation-may-be-read"
    EFFECT = "imported-for-its-effect"
    NOT_MOVABLE = "definition-cannot-move"
    STILL_CIRCULAR = "circle-would-remain"
    LEFT_BY_PLAN = "left-by-the-plan"
    NOT_ASKED = "file-not-asked-for"
    # Said of a call that is to go over the bus.
    NOT_A_SERVICE = "not-two-services"
    NO_START = "start-of-the-service-not-found"
    NOT_A_CALL = "not-used-by-calling-a-function"
    NOT_PLAIN = "function-is-not-plain"
    NOT_CARRIED = "no-message-can-carry-it"
    ERRORS_MATTER = "its-errors-are-told-apart"
    EVENT_CLASH = "name-of-the-event-is-taken"
    # Said by the planner of imports.
    BEFORE_IMPORT = "runs-before-its-import"
    DEFINES_TARGET = "file-is-needed-by-the-import-target"
    SHADOWED_TARGET = "import-target-is-shadowed"
    NAME_TAKEN = "no-free-name-to-import-as"

    @property
    def meaning(self) -> str:
        """One sentence for people."""
        return _MEANINGS[self]


_MEANINGS: dict[Reason, str] = {
    Reason.CONFLICT: "Another rewrite changes the same bytes; run again after it was applied.",
    Reason.UNENCODABLE: "The new text has a character that the file's encoding cannot hold.",
    Reason.COMPILE: "With this rewrite the file would no longer compile.",
    Reason.COMMENT: "This rewrite would lose or change a comment.",
    Reason.OUTSIDE: "This rewrite would change bytes outside the statement.",
    Reason.REMAINS: "The rule would still report the result.",
    Reason.UNSTABLE: "A second run would change the result again.",
    Reason.UNSAFE: "The rewrite may change what the program does; --unsafe allows it.",
    Reason.LIMIT: "The run was limited by --max-files.",
    Reason.UNANSWERED: "The codemod knows no rewrite for this shape.",
    Reason.OTHER_LETTERS: "The file writes a name in letters that Python takes for others, such as full-width ones.",
    Reason.EXCEPT_STAR: "Handlers of exception groups take the group apart, which a block cannot.",
    Reason.CATCHES_EXITS: "KeyboardInterrupt, SystemExit and cancellation would now leave the block.",
    Reason.ACTIVE_ERROR: "The handler reads the error being handled in a way that cannot name it.",
    Reason.HELPER_READS: "The handler calls a function of the project that reads the error being handled.",
    Reason.IMPLICIT_CONTEXT: "The handler raises a new error, which would lose its link to the one it handled.",
    Reason.LEAVES_THROUGH_FINALLY: "The handler leaves through a `finally` of its own, which may use the error.",
    Reason.ONE_LINE: "The handler stands on one line, where there is no room to let go of its error.",
    Reason.TWO_ERRORS: "It returns a value that is made from its own error and from that of a handler around it.",
    Reason.COMMENT_IN_HEADER: "A comment stands inside the header of the handler.",
    Reason.CLASS_NAMES: "Bases, decorators or a metaclass see every name of this class body.",
    Reason.INSPECTS_NAMES: "The statement looks at its local names (`locals()`, `eval`), so no name can be added.",
    Reason.DESTRUCTOR: "A destructor may run when the names it needs are gone.",
    Reason.SIBLING_RERAISES: "Another handler of the statement needs its error to be the one being handled.",
    Reason.SIBLING_TYPE: "It is not known whether the type of another handler is recovered by an executor.",
    Reason.SIBLING_ORDER: "The handlers stand in an order that tests behind the block cannot keep.",
    Reason.STANDALONE: "The file is run by tools that do not have the import target.",
    Reason.PORT_CONFLICT: "Several owners bind the port on one machine; --renumber moves who leaves nobody behind.",
    Reason.PORT_OF_SEVERAL: "Which machine is meant cannot be told, or it is none that has the port.",
    Reason.OTHER_REGISTRY: "`get_port` would not read the registry of this tree in the file.",
    Reason.NO_NAME_YET: "The registry has no name for the port, and a run over one source cannot give it one.",
    Reason.OTHER_OWNER: "What the source calls it belongs to somebody else than the port: two services may share it.",
    Reason.LONG_TEXT: "The address stands in a text of several lines, such as a program or a page to be written.",
    Reason.INSIDE_FIELD: "It stands in a replacement field of an f-string, whose quotes a call could break.",
    Reason.NOT_FOUND: "Its digits could not be found in the text as it is written.",
    Reason.TEST_DATA: "It stands in a test, which is to say what it expects.",
    Reason.CONDITIONAL: "The import stands under a condition, in a class body, or in a `try`.",
    Reason.UNCERTAIN: "The import was read off a file that does not parse, or a call makes it.",
    Reason.SHARED_LINE: "Another statement stands on the line that the import stands on, or would go to.",
    Reason.BOUND_TWICE: "Several imports bind the name, so it is not known which of them a use means.",
    Reason.BOUND_ANEW: "The module that gives the name gives it another meaning later, which would be used then.",
    Reason.OFFERED: (
        "Others take the name from this module, which would not have it any more; of a package they may, unless its "
        "`__all__` leaves the name out."
    ),
    Reason.NEEDED: "The module needs the name while it is imported, and nothing else can be done about that.",
    Reason.CALLED_AT_IMPORT: "The function that uses it is called while the module is imported.",
    Reason.LOOKED_UP: "A text names it (a patch in a test, a doctest, `globals()`), and would not find it.",
    Reason.ANNOTATION: "An annotation that uses it may be read while the program runs.",
    Reason.EFFECT: "Nothing uses what it binds, or loading the module does something: it may be there for that.",
    Reason.NOT_MOVABLE: "What has to move into a module of its own depends on what has to stay.",
    Reason.STILL_CIRCULAR: "The files would import each other in a circle all the same.",
    Reason.LEFT_BY_PLAN: "The plan says to leave it.",
    Reason.NOT_ASKED: "The file to be changed is not below the paths that were named, or not below --only-under.",
    Reason.NOT_A_SERVICE: "Only what starts by itself can be asked over the bus, and one of the files does not.",
    Reason.NO_START: "It is not seen where the service starts, so there is no place to say what it answers.",
    Reason.NOT_A_CALL: "It is used otherwise than by calling a function, or a method of an object, of the other file.",
    Reason.NOT_PLAIN: "The function is decorated, bound several times, or not written where it is looked for.",
    Reason.NOT_CARRIED: "An argument or the answer is no data that a message could carry there and back.",
    Reason.ERRORS_MATTER: "A handler waits for errors of certain types, which would come as RequestFailed.",
    Reason.EVENT_CLASH: "The module of the events has another class of that name, or one with other fields.",
    Reason.BEFORE_IMPORT: "The code runs before the place where the import can go.",
    Reason.DEFINES_TARGET: "The import target lives in this file or imports it, so importing it here makes a cycle.",
    Reason.SHADOWED_TARGET: "The tree has a package of its own with the import target's name; set another target.",
    Reason.NAME_TAKEN: "The imported name and its aliases are all in use in this file.",
}


class SkipReason(StrEnum):
    """Why a finding was not offered to the codemod at all."""

    NOQA = "noqa"
    EXCLUDED = "excluded"
    NOT_COMPILING = "file-does-not-compile"
    PLANNED = "written-to-the-plan"
    # Said by E910 of ports that it does not object to.
    DOCUMENTATION = "documentation"
    TEST_DATA = "test-data"
    ANY_PORT = "chosen-by-the-system"
    WELL_KNOWN = "well-known-port"

    @property
    def meaning(self) -> str:
        """One sentence for people."""
        return _SKIPPED[self]


_SKIPPED: dict[SkipReason, str] = {
    SkipReason.NOQA: "A `noqa` comment holds the finding back.",
    SkipReason.EXCLUDED: "The settings (`per-file-ignores`) hold the finding back in this file.",
    SkipReason.NOT_COMPILING: "The file parses but does not compile, so no result could be checked.",
    SkipReason.PLANNED: "It is in the plan that was written; --plan carries that out.",
    SkipReason.DOCUMENTATION: "The port stands in documentation, which nothing runs.",
    SkipReason.TEST_DATA: "It stands in a test, which is to say what it expects.",
    SkipReason.ANY_PORT: "Port 0: the system chooses one that is free.",
    SkipReason.WELL_KNOWN: "The port is below `lowest` in the settings (1024), and so the same everywhere.",
}


class Rewrite(msgspec.Struct, frozen=True):
    """A change that answers one finding.

    ``code`` and ``span`` are the finding's rule and place. ``narrowed`` keeps the statement and only makes it more
    exact. ``unsafe``: plausible, but what the program does may change. ``statement`` is the stretch of source that the
    edits lie in (the finding's span when it is left out); ``needs`` are the names that the new text uses, as asked of
    the planner of imports; ``detail`` is one line for the report.
    """

    code: str
    span: Span
    splices: tuple[Splice, ...]
    indents: tuple[Indent, ...] = ()
    needs: tuple[Need, ...] = ()
    kind: Kind = "rewritten"
    safety: Safety = "safe"
    statement: Span | None = None
    detail: str = ""


class Declined(msgspec.Struct, frozen=True):
    """A finding that stays as it is, with the reason; ``detail`` says what in this place is in the way."""

    code: str
    span: Span
    reason: Reason
    detail: str = ""


class Skipped(msgspec.Struct, frozen=True):
    """A finding that nobody wants rewritten, or not now."""

    code: str
    span: Span
    reason: SkipReason
    detail: str = ""


class Example(msgspec.Struct, frozen=True):
    """One case of a codemod: documentation and test at once.

    ``after`` is the exact result; with ``declined`` the code is flagged, stays untouched and gives that reason.
    ``options`` are the codemod's command-line options by parameter name (``{"policy": "preserve"}``).
    """

    before: str
    after: str | None = None
    declined: Reason | None = None
    options: Mapping[str, Any] = {}
    title: str = ""


class TreeExample(msgspec.Struct, frozen=True):
    """One case of a codemod of whole trees: ``files`` by path, and in ``after`` those that are made or changed.

    With ``declined`` nothing changes, and one of the findings gives that reason. The program ``main.py`` prints the
    same before and after.
    """

    title: str
    files: Mapping[str, str]
    after: Mapping[str, str] = {}
    declined: Reason | None = None
    options: Mapping[str, Any] = {}
