"""The table of ports of a tree that a test writes."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

from analysis import ports
from analysis.collectors.ports import PortCollector
from analysis.ports import Row
from analysis.project import load


def table(tmp_path: Path, files: Mapping[str, str]) -> list[Row]:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return ports.table(load([tmp_path], root=tmp_path, collectors=[PortCollector], jobs=1, cache=False))
