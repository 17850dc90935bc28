"""Circles of imports, cut without a command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.project import load
from codemods.codemod import TreeJob
from codemods.compose import apply
from codemods.engine import Engine
from codemods.event_bus import EventBusCodemod
from codemods.outcome import Answer, Outcome
from config.settings import Settings


def cut(folder: Path, **options: Any) -> list[Outcome]:
    """What ``event_bus`` makes of the files of a folder; they are written."""
    codemod, chosen = EventBusCodemod(), Settings()
    project = load([folder], root=folder, collectors=Engine(codemod, chosen, {}).collectors, jobs=1, cache=False)
    job = TreeJob(project, chosen, options, lambda _: None, lambda _: True, None, lambda *_: None, lambda _: None)
    outcomes = list(codemod.transform(job))
    for one in outcomes:
        if one.edits:
            file = folder / one.path
            file.write_bytes(apply(file.read_bytes() if one.old else b"", one.edits))
    return outcomes


def answers(folder: Path, files: Mapping[str, str], **options: Any) -> list[Answer]:
    """What is said of each import that was to be cut."""
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return [answer for one in cut(folder, **options) for answer in one.answers]
