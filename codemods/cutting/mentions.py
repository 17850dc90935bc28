"""Where a tree names what a module has without importing it: in texts, and by what it sets from outside."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.project import Project

_DOTTED = re.compile(rb"[\"']([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:[.:][A-Za-z_]\w*))[\"']")
_BY_NAME = re.compile(
    rb"(?:[gs]etattr|delattr|hasattr|\.object|\bspy)\(\s*([\w.]+(?:[\[(][^\[\]()]*[\])])?)\s*,\s*[\"'](\w+)[\"']"
)
_LAST = re.compile(rb"(?:[\"']|[}]|%s)\.([A-Za-z_]\w*)[\"']|\battribute\s*=\s*[\"'](\w+)[\"']")
"""The end of a dotted name that is put together from parts, and the name that ``patch.object`` is given."""
_SEVERAL = re.compile(rb"patch\.multiple\(([^()]*)")
_KEYWORD = re.compile(rb"(\w+)\s*=")
_SET = re.compile(
    rb"(?:^|;)[ \t]*(?:(?:if|elif|else|try|finally|for|while|with)\b[^\n]*?:[ \t]*)?(?:[\w.]+[ \t]*=[ \t]*)*"
    rb"(?:\w+\.)*?([A-Za-z_]\w*)\.([A-Za-z_]\w*)[ \t]*(?::[^\n=]*)?(?:=[^=]|(?:[-+*/%@&|^]|\*\*|//|<<|>>)=)",
    re.MULTILINE,
)
_TARGETS = re.compile(
    rb"(?:^|;)[ \t]*(?:del\b([\w., \t]+)|(?:async[ \t]+)?for\b([\w., \t()]+?)[ \t]in\b|([\w., \t*]+)=[^=])",
    re.MULTILINE,
)
_MEMBER = re.compile(rb"([A-Za-z_]\w*)\.([A-Za-z_]\w*)(?![\w.\[])")
_ALIAS = re.compile(rb"\b([A-Za-z_]\w*)[ \t]+as[ \t]+([A-Za-z_]\w*)")
_ANY = re.compile(
    rb"(?:\b(?:vars|dir|getmembers)\(\s*(?:\w+\.)*([A-Za-z_]\w*)\s*[,)]|([A-Za-z_]\w*)\.__dict__\b"
    rb"|(getattr|hasattr|setattr|delattr|\.object|\bspy)\(\s*(?:\w+\.)*([A-Za-z_]\w*)\s*,\s*"
    rb"(?!\w{0,2}[\"'][^\"'\n]*[\"']\s*[,)])[\w({\[\"'])"
)
"""A module of which any name may be meant: by the table of its names, or by a name that is not written there."""
_ASKING = (b"getattr", b"hasattr")
_SHOWING = (b"dir(", b"getmembers(")
_EXAMPLE = re.compile(rb"^[ \t]*(?:>>>|\.\.\.)[ \t](.*)", re.MULTILINE)
_FROM = re.compile(rb"\bfrom[ \t]+([\w.]+)[ \t]+import[ \t]+([\w \t,()]+)")
_FROM_NAME = re.compile(rb"(?<!as )\b(?!as\b)[A-Za-z_]\w*")
_CHAIN = re.compile(rb"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_LOOKING = (b"vars(", b"dir(", b"getmembers(", b"__dict__", b"attr(", b".object(", b"spy(")
"""One of these stands where ``_ANY`` finds something."""
_DOCUMENTS = (".rst", ".txt", ".md")
_SETTINGS = (".cfg", ".ini", ".json", ".toml", ".yaml", ".yml")
_MOST = 1_000_000
"""A longer file has data in it, in bytes."""
_SETTING = re.compile(rb"(?<![\w.:/-])[A-Za-z_]\w*(?:[.:][A-Za-z_]\w*)+(?![\w/-])")
"""A name that is said where a program is set up: ``app.memory.Session``, ``app.memory:main``."""
_ENTRY = re.compile(rb"([A-Za-z_]\w*):([A-Za-z_]\w*)")
_ENTRIES = ("pyproject.toml", "setup.cfg", "setup.py")
_READERS = re.compile(
    rb"(?<!def )\bget_type_hints\b|\b(?:(?:inspect|annotationlib)(?:\.| import\b[^\n]*\b)get_annotations|eval_str"
    rb"|(?:import|from) (?:beartype|dependency_injector|dishka|injector|lagom|punq|svcs|typeguard))\b"
)
_READING = (
    b"get_type_hints",
    b"get_annotations",
    b"eval_str",
    *(b"beartype", b"dependency_injector", b"dishka", b"injector", b"lagom", b"punq", b"svcs", b"typeguard"),
)
"""One of these stands where ``_READERS`` finds something."""
_SEEN = (re.compile(rb"\b__annotations__\b"), re.compile(rb"\.annotation\b(?![ \t]*=[^=])"))
"""What reads an annotation as it stands, which must not become a text; the second beside a ``signature``."""
_LAZY = re.compile(rb"^(?:def[ \t]+)?__getattr__\b", re.MULTILINE)
"""A module that says itself what it has."""
_QUOTED = re.compile(rb"[\"']([A-Za-z_.][\w.]*)[\"']")
_LISTING = re.compile(rb"\b(?:iter_modules|walk_packages|listdir|scandir|iterdir|i?glob|rglob)\(")
_LOADING = re.compile(
    rb"\b(?:import_module|__import__|spec_from_file_location|load_module|load_extension|run_path)\b|\bimport \*"
)
"""What loads modules whose names are not written there."""
_NEAR = 800
"""So many bytes, about twenty lines, are between listing and loading at most."""
_HANDED = re.compile(
    rb"\b(?:(?<!atexit\.)(?<!def )register|Depends|Security|add_api_route"
    rb"|add_api_websocket_route|validate_call|validate_arguments|typer\.run)"
    rb"\(([^()]*)"
)
"""What reads the annotations of the functions and classes that it is given."""
_OWN = (b"self", b"cls")
_NAME = re.compile(r"\w+", re.ASCII)
_TAKEN = re.compile(rb"(?<=\w)\.(\w+)")
_IMPORTS = re.compile(rb"^[ \t]*(?:import|from)\b.*", re.MULTILINE)
_CLASS = re.compile(
    rb"^[ \t]*class[ \t]+([A-Za-z_]\w*)[ \t]*(?:\(([^()]*(?:\([^()]*\)[^()]*)*)\))?[ \t]*:", re.MULTILINE
)
_WORDS = re.compile(rb"[A-Za-z_][\w.]*")
_METACLASS = re.compile(rb"metaclass[ \t]*=[ \t]*(?:\w+\.)*(\w+)")
_PLAIN_METACLASSES = frozenset({"ABCMeta", "EnumMeta", "EnumType", "type"})
_REGISTERS = re.compile(rb"(?:([A-Za-z_]\w*)\.)?(?:__subclasses__|\b__init_subclass__)[ \t]*\(")


_Places = dict[tuple[str, str], str]
"""Where something is, by the last part of a module's name, empty where that is not known, and a name in it, empty for
any.
"""


class Mentions:
    """What the files of ``project`` say about the names of modules, read when it is first asked for."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def of(self, path: str, name: str) -> str | None:
        """Where something names ``name`` of the module ``path``, as ``file:line``, if anything does."""
        stem = _stem(path)
        return self._table.get((stem, name)) or self._table.get(("", name)) or self._table.get((stem, ""))

    def set(self, path: str, name: str) -> str | None:
        """Where something binds ``name`` of the module ``path`` from outside, as ``file:line``, if anything does."""
        return self._read[2].get((_stem(path), name)) or self._read[2].get((_stem(path), ""))

    def data(self, path: str) -> bytes:
        """What stands in a file on the disk; nothing where it cannot be read."""
        with suppress(OSError):
            return self._project.path(path).read_bytes()
        return b""

    def taking(self, name: str) -> Collection[str]:
        """The files that take ``name`` as an attribute of a name, on a line that is no import."""
        if name in self._taking:
            return self._taking[name]
        return [path for path in self._project.files if takes(self.data(path), name)]

    @cached_property
    def _taking(self) -> dict[str, list[str]]:
        # Nearly always it is the modules of the tree that are asked for.
        stems = {_stem(path) for path in self._project.files}
        found: dict[str, list[str]] = {one: [] for one in stems if _NAME.fullmatch(one)}
        for path in self._project.files:
            for name in members(self.data(path)) & found.keys():
                found[name].append(path)
        return found

    @cached_property
    def registering(self) -> frozenset[str]:
        """The names of the classes that note down who derives from them, and of all that derive from those."""
        bases: dict[str, set[str]] = {}
        found: set[str] = set()
        for path in self._project.files:
            data = self.data(path)
            for hit in _CLASS.finditer(data):
                named = {one.decode().rpartition(".")[2] for one in _WORDS.findall(hit[2] or b"")}
                bases.setdefault(hit[1].decode(), set()).update(named)
                meta = _METACLASS.search(hit[2] or b"")
                if meta is not None and meta[1].decode() not in _PLAIN_METACLASSES:
                    found.add(hit[1].decode())
            if b"subclass" not in data:
                continue
            for hit in _REGISTERS.finditer(data):
                if hit[1] and hit[1] not in _OWN:
                    found.add(hit[1].decode())
                else:
                    around = [one[1] for one in _CLASS.finditer(data, 0, hit.start())]
                    found.update(one.decode() for one in around[-1:])
        while more := {name for name, named in bases.items() if name not in found and named & found}:
            found |= more
        return frozenset(found)

    @cached_property
    def handed(self) -> Mapping[str, str]:
        """The names of functions and classes that are given to what reads their annotations, with where they are."""
        found: dict[str, str] = {}
        for path in self._project.files:
            data = self.data(path)
            for hit in _HANDED.finditer(data):
                for word in _WORDS.findall(hit[1]):
                    found.setdefault(word.decode().rpartition(".")[2], _where(path, data, hit))
        return found

    @cached_property
    def seen(self) -> str | None:
        """Where something asks what annotations are, be they texts or not, if anything does."""
        for path in self._project.files:
            data = self.data(path)
            for pattern in _SEEN if b"signature(" in data else _SEEN[:1]:
                hit = pattern.search(data) if b"annotation" in data else None
                if hit is not None:
                    return _where(path, data, hit)
        return None

    def lazily(self, path: str, name: str) -> str | None:
        """Where a module that says itself what it has names both ``name`` and the module ``path``, if one does."""
        stem = _stem(path)
        return next((where for where, words in self._lazy if name in words and stem in words), None)

    @cached_property
    def _lazy(self) -> list[tuple[str, frozenset[str]]]:
        found = []
        for path in self._project.files:
            data = self.data(path)
            hit = _LAZY.search(data) if b"__getattr__" in data else None
            if hit is not None:
                words = frozenset(word.decode() for text in _QUOTED.findall(data) for word in text.split(b"."))
                found.append((_where(path, data, hit), words))
        return found

    def listed(self, folder: str) -> str | None:
        """Where something loads whatever modules lie in a folder, if anything does."""
        name = folder.rpartition("/")[2].encode()
        for path, data in self._listing.items():
            own = path.rpartition("/")[0] == folder and (b"__file__" in data or b"__path__" in data)
            if own or (name and re.search(rb"[\"'./]%s\b[^\"'\n]*[\"']|\b%s\.__path__" % (name, name), data)):
                return _where(path, data, next(hit for hit in _LISTING.finditer(data) if _is_loaded(data, hit)))
        return None

    @cached_property
    def _listing(self) -> dict[str, bytes]:
        found = {}
        for path in self._project.files:
            data = self.data(path)
            if any(_is_loaded(data, hit) for hit in _LISTING.finditer(data)):
                found[path] = data
        return found

    @property
    def reader(self) -> str | None:
        """Where something reads annotations while the program runs, or is there to, if anything does."""
        return self._read[1]

    @property
    def _table(self) -> _Places:
        return self._read[0]

    @cached_property
    def _read(self) -> tuple[_Places, str | None, _Places]:
        found: _Places = {}
        changed: _Places = {}
        reader: str | None = None
        for path in self._project.files:
            with suppress(OSError):
                data = self._project.path(path).read_bytes()
                self._in_file(path, data, found, changed)
                if reader is None and any(word in data for word in _READING):
                    hit = _READERS.search(data)
                    reader = _where(path, data, hit) if hit is not None else None
        for path in self._project.search(lambda path: path.lower().endswith((*_DOCUMENTS, *_SETTINGS))).files:
            with suppress(OSError):
                if path.lower().endswith(_DOCUMENTS):
                    self._in_document(path, self._project.path(path).read_bytes(), found)
                elif self._project.path(path).stat().st_size <= _MOST:
                    self._in_settings(path, self._project.path(path).read_bytes(), found)
        for name in _ENTRIES:
            with suppress(OSError):
                data = self._project.path(name).read_bytes()
                for hit in _ENTRY.finditer(data):
                    found.setdefault((hit[1].decode(), hit[2].decode()), _where(name, data, hit))
        return found, reader, changed

    @staticmethod
    def _in_settings(path: str, data: bytes, found: _Places) -> None:
        """The names of modules, with one of their own behind them."""
        for hit in _SETTING.finditer(data):
            for module, name in pairwise(re.split(rb"[.:]", hit[0])):
                key = module.decode(), name.decode()
                if key not in found:
                    found[key] = _where(path, data, hit)

    @staticmethod
    def _in_document(path: str, data: bytes, found: _Places) -> None:
        """The examples in a document, which may be run as its tests."""
        if b">>>" not in data:
            return
        aliases = _aliases(data)
        for example in _EXAMPLE.finditer(data):
            for hit in _FROM.finditer(example[1]):
                for name in _FROM_NAME.findall(hit[2]):
                    found.setdefault((_last(hit[1]), name.decode()), _where(path, data, example))
            for chain in _CHAIN.findall(example[1]):
                for base, name in pairwise(chain.split(b".")):
                    for one in (base, *sorted(aliases.get(base, ()))):
                        found.setdefault((one.decode(), name.decode()), _where(path, data, example))

    @staticmethod
    def _in_file(path: str, data: bytes, found: _Places, changed: _Places) -> None:
        def note(table: _Places, module: str, name: str, hit: re.Match[bytes]) -> None:
            if (module, name) not in table:
                table[module, name] = _where(path, data, hit)

        for hit in _DOTTED.finditer(data):
            for module, name in pairwise(hit[1].decode().replace(":", ".").split(".")):
                note(found, module, name, hit)
                if name == "__dict__":
                    note(found, module, "", hit)
                    note(changed, module, "", hit)
        for hit in _BY_NAME.finditer(data) if b"attr" in data or b".object" in data or b"spy" in data else ():
            if hit[1] not in _OWN:
                note(found, "", hit[2].decode(), hit)
        for hit in _SEVERAL.finditer(data):
            for word in _KEYWORD.findall(hit[1]):
                note(found, "", word.decode(), hit)
        for hit in _LAST.finditer(data):
            note(found, "", (hit[1] or hit[2]).decode(), hit)
        aliases: dict[bytes, set[bytes]] | None = None
        for hit in _ANY.finditer(data) if any(word in data for word in _LOOKING) else ():
            base = hit[1] or hit[2] or hit[4]
            if base in _OWN or not re.search(rb"\bimport\b[^\n]*\b%s\b" % base, data):
                continue
            if aliases is None:
                aliases = _aliases(data)
            for one in (base, *sorted(aliases.get(base, ()))):
                note(found, one.decode(), "", hit)
                if hit[3] not in _ASKING and not hit[0].startswith(_SHOWING):
                    note(changed, one.decode(), "", hit)
        for hit, base, name in _changed(data):
            if base not in _OWN:
                if aliases is None:
                    aliases = _aliases(data)
                for one in (base, *sorted(aliases.get(base, ()))):
                    key = one.decode(), name.decode()
                    note(changed, *key, hit)
                    found.setdefault(key, changed[key])


def _aliases(data: bytes) -> dict[bytes, set[bytes]]:
    found: dict[bytes, set[bytes]] = {}
    for hit in _ALIAS.finditer(data):
        found.setdefault(hit[2], set()).add(hit[1])
    return found


def takes(data: bytes, name: str) -> bool:
    """Whether a file takes ``name`` as an attribute of a name, on a line that is no import."""
    used = rf"^(?![ \t]*(?:import|from)\b).*\b\w+\.{re.escape(name)}\b"
    return f".{name}".encode() in data and re.search(used.encode(), data, re.MULTILINE) is not None


def members(data: bytes) -> set[str]:
    """All that ``takes`` would find, of names without signs."""
    without = _IMPORTS.sub(b"", data)
    return {one.decode() for one in _TAKEN.findall(without)}


def _changed(data: bytes) -> Iterator[tuple[re.Match[bytes], bytes, bytes]]:
    """What is bound or deleted as an attribute: the last name before it, and its own."""
    for hit in _SET.finditer(data):
        yield hit, hit[1], hit[2]
    for hit in _TARGETS.finditer(data):
        targets = hit[1] or hit[2] or hit[3]
        if b"." not in targets or (hit[3] and _in_brackets(data, hit)):
            continue
        for base, name in _MEMBER.findall(targets):
            yield hit, base, name


def _in_brackets(data: bytes, hit: re.Match[bytes]) -> bool:
    """Whether what looks like targets are the arguments of a call that go on on a line of their own:
    ``app.Error, match="no"``.
    """
    if b"," not in hit[3] or hit[3].endswith((b" ", b"\t")):
        return False
    return data[: hit.start()].rstrip().endswith((b"(", b"[", b"{", b","))


def _is_loaded(data: bytes, hit: re.Match[bytes]) -> bool:
    """Whether modules are loaded near to where they are listed."""
    start, end = max(0, hit.start() - _NEAR), hit.end() + _NEAR
    return _LOADING.search(data, start, end) is not None


def _last(dotted: bytes) -> str:
    return dotted.decode().rpartition(".")[2]


def _stem(path: str) -> str:
    return path.removesuffix("/__init__.py").removesuffix(".py").rpartition("/")[2]


def _where(path: str, data: bytes, hit: re.Match[bytes]) -> str:
    line = data.count(b"\n", 0, hit.start()) + 1
    return f"{path}:{line}"
