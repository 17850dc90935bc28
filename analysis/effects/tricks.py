"""What a file replaces behind the back of its own source: attributes set by name, names bound by name, classes called
into being. Read off the bytes, since few files hold any of the words; in doubt a file does it.
"""

from __future__ import annotations

import builtins
import re
from dataclasses import dataclass, field

_PLAIN_WORDS = (
    *(b"globals", b"exec", b"locals", b"vars", b"__dict__", b"builtins", b"__builtins__", b"__globals__"),
    *(b"f_globals", b"new_class", b"make_dataclass"),
)
_WORDS = {word: re.compile(word + rb"(?!\w)") for word in _PLAIN_WORDS} | {
    b"setattr": re.compile(b"setattr"),
    b"delattr": re.compile(b"delattr"),
    b"type": re.compile(rb"type\s*\("),
    b"reload": re.compile(rb"reload\s*\("),
    b"modules": re.compile(rb"modules(?!\w)"),
}
_NAMED = re.compile(rb"""\s*\(\s*([\w.]+)\s*,\s*["']([A-Za-z_]\w*)["']\s*[,)]""")
_TARGET = re.compile(rb"""\s*\(\s*["']([\w.]+)["']\s*,""")
_READS = re.compile(
    rb"\s*(?:\.\s*(?:items|keys|values|get|copy)\s*\(|\[[^\[\]\n]*\]\s*(?!\s*(?:[-+*/|&^%@]?=(?!=)|\[|\.)))"
)
_READS_BEFORE = re.compile(
    rb"(?:\*\*|\bin\s|(?<![\w.])(?:dict|len|list|set|sorted|print|str|repr)\(|\bdumps\()\s*[\w.]*$"
)
_CALL = re.compile(rb"\s*\(\s*[\w.]*\s*\)")
_BUILTINS = re.compile(
    rb"""\s*(?:\.\s*(\w+)\s*(?:\[[^\]\n]*\]\s*)?(?::[^=\n]*)?[-+*/|&^%@]?=(?!=)"""
    rb"""|,\s*["'](\w+)["']|(?:\[|\.\s*__dict__|\.\s*__setattr__|,|\.\s*update))"""
)
_ENTRY = rb"\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*\]\s*"
_MODULES = re.compile(rb"\s*(?:" + _ENTRY + rb"=(?!=)|\.\s*(?:update|setdefault|__setitem__|pop|clear)|\|=)")
_MODULES_READ = re.compile(rb"\s*(?:" + _ENTRY + rb"|\.\s*\w)")
_MODULES_HANDED = re.compile(rb"(?:[=(,\[{]|\breturn)\s*[\"']?sys\s*\.\s*$|\bfrom\s+sys\s+import\s[^\n]*$")
_PLAIN_DUNDERS = frozenset(
    {
        "__name__", "__qualname__", "__module__", "__doc__", "__annotations__", "__wrapped__", "__version__",
        "__author__", "__all__", "__file__", "__path__", "__cause__", "__context__", "__traceback__",
        "__suppress_context__", "__notes__", "__signature__", "__test__",
    }
)  # fmt: skip


@dataclass
class Tricks:
    """What was found.

    ``stores``: attributes that are set under a name in the source, ``patches`` the same with what they are set on
    (dotted). ``dynamic``: attributes are set under names that are not in the source, ``own`` only on ``self``.
    ``rebinds``: names of the module itself may be bound that way. ``makes``: classes are made by calls. ``builtins``:
    what is built in may be replaced.
    """

    stores: set[str] = field(default_factory=set)
    patches: list[tuple[str, str]] = field(default_factory=list)
    dynamic: bool = False
    own: bool = False
    rebinds: bool = False
    makes: bool = False
    builtins: bool = False


def hooks(name: str) -> bool:
    """Whether setting an attribute of this name changes what its object does, not just what it holds."""
    return name[:2] == "__" and name[-2:] == "__" and name not in _PLAIN_DUNDERS


def look(data: bytes) -> Tricks:
    """What the source text ``data`` may do."""
    found = Tricks()
    for word, pattern in _WORDS.items():
        if word not in data:
            continue
        for hit in pattern.finditer(data):
            before = data[max(0, hit.start() - 60) : hit.start()]
            after = data[hit.start() + len(word) : hit.start() + 200]
            if word in (b"setattr", b"delattr"):
                _set(found, before, after)
            elif not (before[-1:].isalnum() or before[-1:] == b"_"):
                _named(found, word, before, after)
    return found


def _named(found: Tricks, word: bytes, before: bytes, after: bytes) -> None:
    match word:
        case b"__dict__" | b"vars":
            _dictionary(found, word, before, after)
        case b"globals" | b"exec" | b"locals":
            found.rebinds |= before[-1:] != b"."
        case b"builtins" | b"__builtins__":
            set_ = _BUILTINS.match(after)
            name = (set_.group(1) or set_.group(2)) if set_ is not None else b""
            found.builtins |= set_ is not None and (name is None or hasattr(builtins, name.decode()))
        case b"type":
            found.makes |= before[-1:] != b"." and _several(after)
        case b"modules":
            handed = _MODULES_HANDED.search(before) and not _READS_BEFORE.search(before)
            if handed and not _MODULES_READ.match(after):
                found.dynamic = True
            elif re.search(rb"\bsys\s*\.\s*$", before):
                deleted = re.search(rb"\bdel\s+sys\s*\.\s*$", before) is not None
                found.dynamic |= deleted or _MODULES.match(after) is not None
        case b"reload":
            # A module that runs again has new classes under the old names.
            found.dynamic |= re.search(rb"(?:\bimportlib|\bimp)\s*\.\s*$|(?<!def)\s+$|[=(;:\n]$", before) is not None
        case b"new_class" | b"make_dataclass":
            found.makes = True
        case _:
            found.dynamic = True


def _set(found: Tricks, before: bytes, after: bytes) -> None:
    special = before.endswith(b"__") and after.startswith(b"__")
    if special:
        before, after = before[:-2], after[2:]
    if before.rstrip().endswith(b"def") or before[-1:].isalnum() or before[-1:] == b"_" or re.match(rb"\w", after):
        return
    named = _NAMED.match(after)
    if named is not None:
        target, name = named.group(1).decode(), named.group(2).decode()
        found.stores.add(name)
        found.patches.append((target, name))
        return
    target = _TARGET.match(after) if before[-1:] == b"." else None
    if target is not None:  # monkeypatch.setattr("module.name", ...)
        found.stores.add(target.group(1).decode().rpartition(".")[2])
    elif (special and re.search(rb"super\(\)\s*\.\s*$", before)) or re.match(rb"\s*\(\s*self\s*,", after):
        found.own = True
    else:
        found.dynamic = True


def _dictionary(found: Tricks, word: bytes, before: bytes, after: bytes) -> None:
    if word == b"vars":
        if before[-1:] == b"." or not after.lstrip().startswith(b"("):
            found.dynamic |= before[-1:] != b"." and not re.match(rb"\s*[=:)\].]", after)
            return
        found.rebinds |= re.match(rb"\s*\(\s*\)", after) is not None
        call = _CALL.match(after)
        if call is None:
            found.dynamic |= _READS_BEFORE.search(before) is None
            return
        own = re.match(rb"\s*\(\s*self\s*\)", after) is not None
        after = after[call.end() :]
    else:
        own = re.search(rb"(?<![\w.])self\s*\.\s*$", before) is not None
    if _READS.match(after) is None and _READS_BEFORE.search(before) is None:
        if own:
            found.own = True
        else:
            found.dynamic = True


def _several(after: bytes) -> bool:
    """Whether the call that opens there has more than one argument; True where that is hard to see."""
    depth = -1
    for letter in after:
        if letter in b"([{":
            depth += 1
        elif letter in b")]}":
            if depth == 0:
                return False
            depth -= 1
        elif letter in b"," and depth == 0:
            return True
    return True
