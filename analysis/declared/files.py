"""The configuration files of a tree: found, read where the index does not know them, and kept there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from analysis.declared import reading
from analysis.declared.reading import LARGEST, format_of, is_configuration
from analysis.declared.records import Configuration, Declared
from analysis.facts import Fault
from analysis.index import Index, Stamp, digest_of
from analysis.reading import build_of
from analysis.recognition import Recognition
from analysis.source import read_regular, unreadable

if TYPE_CHECKING:
    from analysis.discovery import Found
    from analysis.project import Project

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Configuration).decode


class Declarations(NamedTuple):
    """What each configuration file declares, by path, of those that declare anything; why others could not be read."""

    records: Mapping[str, tuple[Declared, ...]]
    faults: Mapping[str, Fault]


def read(project: Project) -> Declarations:
    """What the configuration files of ``project`` declare, from its index or by reading them anew."""
    discovery = project.search(is_configuration)
    found = list(discovery.files.values())
    read_files = _Reading(project).run(found)
    faults = {path: one.fault for path, one in read_files.items() if one.fault is not None}
    faults.update(
        (path, Fault("unreadable", why)) for path, why in discovery.unreadable.items() if not path.endswith("/")
    )
    return Declarations(
        {path: one.declared for path, one in read_files.items() if one.declared}, dict(sorted(faults.items()))
    )


class _Reading:
    """One round over the configuration files of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.index = Index(project.root) if project.cache else None
        self.build = build_of() if project.cache else ""
        self.blobs: dict[str, dict[bytes, bytes]] = {}

    def run(self, found: list[Found]) -> dict[str, Configuration]:
        """What is known of each file, by path."""
        if self.index is None:
            return {one.name: self.fresh(one, None) for one in found}
        if not found:
            return {}
        recognition = Recognition(self.project.root, self.index)
        known = self.index.files([os.fsencode(one.name) for one in found])
        digests = {one.name: recognition.digest(one, known) for one in found}
        topics = sorted({self.topic(one.name) for one in found})
        kept = self.index.blobs(topics, [one for one in set(digests.values()) if one is not None])
        made: dict[str, Configuration] = {}
        for one in found:
            digest = digests[one.name]
            blob = kept[self.topic(one.name)].get(digest) if digest is not None else None
            known_one = _decoded(blob) if blob is not None else None
            made[one.name] = known_one if known_one is not None else self.fresh(one, recognition)
        if self.blobs or recognition.new_files:
            self.index.write(recognition.new_files, self.blobs)
        return made

    def topic(self, name: str) -> str:
        """The key of the index: the same bytes say something else under the name of another format."""
        return f"declared {format_of(name)} {self.build}"

    def fresh(self, found: Found, recognition: Recognition | None) -> Configuration:
        """Read ``found``, and note what came of it for the index."""
        path = self.project.path(found.name)
        try:
            if path.stat().st_size > LARGEST:
                return Configuration((), Fault("unreadable", f"it is larger than {LARGEST >> 20} MiB"))
            data, status = read_regular(path)
        except OSError as error:
            return Configuration((), unreadable(error))
        made = reading.read(found.name, data)
        if recognition is not None:
            digest = digest_of(data)
            recognition.remember(os.fsencode(found.name), Stamp.of(status), digest)
            self.blobs.setdefault(self.topic(found.name), {})[digest] = _encode(made)
        return made


def _decoded(blob: bytes) -> Configuration | None:
    try:
        return _decode(blob)
    except msgspec.MsgspecError:
        return None
