"""What the pages on the bus show can be used as it stands there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from config.registry import parse
from runtime.events._address import EVENTS, PUBLISH, REQUESTS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "docs" / name for name in ("events.md", "talking.md")]


def blocks(page: Path, language: str) -> list[str]:
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return found


def test_the_registry_has_all_that_a_hub_asks_for() -> None:
    (text,) = blocks(ROOT / "docs" / "events.md", "yaml")
    assert {one.name for one in parse(text).ports} == {EVENTS, PUBLISH, REQUESTS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_shown_is_python(page: Path) -> None:
    found = blocks(page, "python")
    assert found
    for text in found:
        ast.parse(text)
