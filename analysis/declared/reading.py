"""One configuration file from its bytes to what it declares."""

from __future__ import annotations

import re
from posixpath import basename, dirname
from typing import Literal

from analysis.declared import json_text, lines, toml_text, yaml_text
from analysis.declared.compose import Compose, is_compose
from analysis.declared.entries import Entries
from analysis.declared.nodes import Unreadable
from analysis.declared.records import Configuration
from analysis.facts import Fault

Format = Literal["yaml", "toml", "json", "compose", "dockerfile", "env"]
LARGEST = 4 << 20
"""Bytes beyond which a file is data, not configuration."""
_SUFFIXES: dict[str, Format] = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}
_MANIFESTS = frozenset(
    {"package.json", "package-lock.json", "npm-shrinkwrap.json", "composer.json", "pnpm-lock.yaml", "pnpm-lock.yml"}
    | {"pyproject.toml", "Cargo.toml", "Pipfile.lock", "pdm.lock", "pixi.toml", "unsnarl.toml", "bun.lock"}
    | {"environment.yml", "conda-lock.yml", ".pre-commit-config.yaml", "mkdocs.yml"}
)
"""Lists of packages, and settings of tools."""
_DOCKERFILE = re.compile(r"(?:Dockerfile|Containerfile)(?:[.-][\w.-]+)?\Z|[\w.-]+\.(?:Dockerfile|dockerfile)\Z")
_NO_DOCKERFILE = (".py", ".md", ".txt", ".sh", ".rst", ".dockerignore", ".bak", ".backup", ".orig", ".j2")
_ENV = re.compile(r"\.env(?:\.[\w.-]+)?\Z|[\w.-]+\.env\Z")


def format_of(path: str) -> Format | None:
    """The format of a configuration file by its name; None for any other file, and for lists of packages."""
    name = basename(path)
    if name.endswith(_NO_DOCKERFILE) and not name.startswith(".env."):
        # Most files of a tree, told by one look.
        return None
    if name in _MANIFESTS or "lock" in name.lower().split("."):
        return None
    found = _SUFFIXES.get(name[name.rfind(".") :].lower()) if "." in name else None
    if found == "yaml" and "compose" in name.lower():
        return "compose"
    if found is not None:
        return None if name.endswith(("-lock.json", "-lock.yaml", "-lock.yml")) else found
    if _DOCKERFILE.match(name):
        return "dockerfile"
    return "env" if _ENV.match(name) else None


def is_configuration(path: str) -> bool:
    """Whether a file is read for what it declares, by its name."""
    return format_of(path) is not None


def read(path: str, data: bytes) -> Configuration:
    """What ``data`` declares, the content of the configuration file ``path``; why not, when it cannot be read."""
    kind = format_of(path)
    if kind is None:
        return Configuration()
    if len(data) > LARGEST:
        return Configuration((), Fault("unreadable", f"it is larger than {LARGEST >> 20} MiB"))
    try:
        text = _text(data)
        found = Entries(kind)
        _read(kind, text, found)
    except Unreadable as error:
        return Configuration((), Fault("syntax", str(error), error.line, error.column))
    except (RecursionError, MemoryError):
        return Configuration((), Fault("too-deep", "it nests too deep"))
    kept = dict.fromkeys(sorted(found.records, key=lambda one: (one.line, one.column)))
    return Configuration(tuple(kept))


def _read(kind: Format, text: str, found: Entries) -> None:
    if kind == "env":
        lines.env(text, found)
    elif kind == "dockerfile":
        lines.dockerfile(text, found)
    elif kind == "toml":
        for document in toml_text.parse(text):
            found.document(document)
    elif kind == "json":
        for document in json_text.parse(text) if text.strip() else ():
            found.document(document)
    else:
        for document in yaml_text.parse(text):
            if kind == "compose" or is_compose(document):
                found.by = "compose"
                Compose(found).document(document)
            else:
                found.by = "yaml"
                found.document(document)


def owner_of(path: str) -> str:
    """Who a file speaks for that names no one: its own name, without what every such file is called."""
    name = basename(path)
    kind = format_of(path)
    if kind == "dockerfile":
        rest = re.sub(r"(?i)^(?:docker|container)file[.-]?|\.dockerfile$", "", name)
        return rest or basename(dirname(path)) or name
    if kind == "env":
        return re.sub(r"^\.env\.?|\.env$", "", name) or basename(dirname(path)) or name
    return name.rpartition(".")[0]


def _text(data: bytes) -> str:
    """The text in ``data``. Raises Unreadable."""
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable("it is not UTF-8", line) from None
    if "\0" in text:
        raise Unreadable("it holds a NUL", text.count("\n", 0, text.index("\0")) + 1)
    return text
