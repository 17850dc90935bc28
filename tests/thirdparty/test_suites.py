"""Other people's test suites give the same result before and after a codemod. Needs the package index."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.sdist import Unavailable
from tools.thirdparty import SUITES, Suite, run

LEAST = {"safe_executor": 20, "event_bus": 1}
"""How much of each package the codemod has to rewrite for the test to mean anything."""


@pytest.mark.network
@pytest.mark.parametrize(
    "suite", [one for one in SUITES if not one.slow], ids=lambda suite: f"{suite.codemod}-{suite.sdist.name}"
)
def test_every_test_has_the_result_it_had(suite: Suite, tmp_path: Path) -> None:
    try:
        ran = run(suite, tmp_path)
    except Unavailable as error:
        pytest.skip(str(error))
    assert len(ran.before) >= 150
    assert ran.counts["rewritten"] >= LEAST[suite.codemod], ran.reasons
    assert ran.differing == []
