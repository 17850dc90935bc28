"""The records of the ``effects`` topic: what each function, module body and ``try`` body of a file may raise.

Names across files are *symbols*, ``level:module:path``: the import level and module as written (both empty for this
file), then the names that follow, ``()`` for "the result of calling that", ``@`` for "an instance of that class or of
a class derived from it", ``^`` for "its bases". So ``0::Agent@.connect`` is ``self.connect`` in class ``Agent``, and
``1:pool:Pool().get`` is ``Pool().get`` after ``from .pool import Pool``.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec


class Act(IntEnum):
    """What is done to a symbol."""

    CALL = 0
    AWAIT = 1
    READ = 2
    WRITE = 3
    ITERATE = 4
    IMPORT = 5


class Step(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One handler of an enclosing ``try``: its types, and whether what it catches goes on (a bare ``raise``)."""

    types: tuple[str, ...]
    passes: bool


Filter = tuple[Step, ...]


class Raise(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A type that is raised here: in the public spelling, or a symbol; ``filters`` innermost last."""

    type: str
    filters: tuple[Filter, ...] = ()


class Pending(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something done to a symbol, whose effects are found when all files are known.

    ``plain`` says that the types of all arguments are known; ``star`` that ``*args`` or ``**kwargs`` are passed.
    """

    act: Act
    target: str
    text: str
    line: int
    filters: tuple[Filter, ...] = ()
    args: int = 0
    keywords: tuple[str, ...] = ()
    star: bool = False
    plain: bool = True


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something worth telling a person: what, and on which line."""

    text: str
    line: int


class Condition(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """``owner``'s attribute ``name`` was taken to be of ``type``, which other files must not contradict.

    ``owner`` is a class, "" for the module, or ``=sys`` for a library module. A ``name`` of "" says that a class
    method's first parameter was taken to be ``owner`` and no class derived from it.
    """

    owner: str
    name: str
    type: str
    line: int


class Region(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a stretch of code may raise. When ``open`` is set, the rest is left out; in the record of a ``Proofs``
    collector when ``assumed`` is set, too.
    """

    raises: tuple[Raise, ...] = ()
    pending: tuple[Pending, ...] = ()
    conditions: tuple[Condition, ...] = ()
    open: Place | None = None
    assumed: Place | None = None


class Function(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A function: how it is bound, how it may be called, what it raises and gives.

    ``flavour``: plain, async, generator, async generator. ``binding``: function, method, static, class or property.
    ``decorator``: one whose effect is not known, or "". A parameter that takes no keyword has a "/" before its name.
    """

    qualname: str
    line: int
    flavour: str
    binding: str
    decorator: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    keyword_required: tuple[str, ...]
    keyword_optional: tuple[str, ...]
    many: bool
    keywords: bool
    region: Region
    gives: str


class Class(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A class: its bases as symbols or public names ("" for any other expression), and its attributes.

    ``attributes`` holds each attribute that is assigned through ``self`` or in the class body, with its type ("" when
    unknown). ``closed`` is False when a hook such as ``__getattr__`` may change what attribute access does, ``made`` is
    False when a decorator or a metaclass may change how instances are made and what they are. ``placed``: names that
    the class body gives something that may be a descriptor; ``unsure``: names that it binds but perhaps not always.
    """

    qualname: str
    line: int
    bases: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]
    closed: bool
    made: bool
    dataclass: bool
    placed: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


class Try(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A ``try`` statement, by where it starts, and what its body may raise."""

    line: int
    col: int
    region: Region


class Module(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All of a file.

    ``names``: what module level binds, with its type or symbol ("" when unknown). ``relies``: top-level modules that
    the tables were trusted for; ``uses``: the names in them, as written out. ``stores``: attribute names that are
    assigned on something other than ``self``. ``patches``: attributes of imported modules that are replaced, as symbols
    or public names. ``dynamic``: an attribute is set under a name that is not in the source. ``paths``: folders it puts
    on ``sys.path``, relative to its own. ``rebinds``: its own names may be bound under names that are not in the
    source; ``makes``: it makes classes by calls; ``builtins``: it may replace what is built in; ``unsure``: names that
    it binds but perhaps not always.
    """

    functions: tuple[Function, ...]
    classes: tuple[Class, ...]
    tries: tuple[Try, ...]
    body: Region
    names: tuple[tuple[str, str], ...]
    stars: tuple[str, ...]
    relies: tuple[str, ...]
    uses: tuple[str, ...]
    stores: tuple[str, ...]
    patches: tuple[str, ...]
    dynamic: bool
    paths: tuple[str, ...]
    rebinds: bool = False
    makes: bool = False
    builtins: bool = False
    unsure: tuple[str, ...] = ()
