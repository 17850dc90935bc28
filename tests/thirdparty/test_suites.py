"""Other people's test suites give the same result before and after the codemod. Needs the package index."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.sdist import Unavailable
from tools.thirdparty import SUITES, Suite, run


@pytest.mark.network
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.sdist.name)
def test_every_test_has_the_result_it_had(suite: Suite, tmp_path: Path) -> None:
    try:
        ran = run(suite, tmp_path)
    except Unavailable as error:
        pytest.skip(str(error))
    assert len(ran.before) >= 150
    assert ran.counts["rewritten"] >= 20, ran.reasons
    assert ran.differing == []
