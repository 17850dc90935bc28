"""The import-cycle pair keeps its promises on packages that nobody wrote for us: ``tools/real_cycles.py`` checks them.

The quick ones are here; all of them are tried by ``make suites``, for ``docs/real-cycles.md``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.real_cycles import PACKAGES, Package, of_library, of_package
from tools.sdist import PYPARSING, WERKZEUG, Unavailable

QUICK = tuple(one for one in PACKAGES if one.sdist in (PYPARSING, WERKZEUG))

pytestmark = pytest.mark.xdist_group("real-cycles")


@pytest.mark.network
@pytest.mark.parametrize("package", QUICK, ids=lambda package: package.sdist.name)
def test_a_package_keeps_working_without_its_circles(package: Package, tmp_path: Path) -> None:
    try:
        trial = of_package(package, tmp_path)
    except Unavailable as error:
        pytest.skip(str(error))
    assert trial.broken == []
    assert trial.before
    assert trial.after == []
    assert trial.answers["rewritten"]
    assert trial.imported >= 15
    assert trial.early == []


def test_the_standard_library_keeps_working_without_its_circles(tmp_path: Path) -> None:
    trial = of_library(tmp_path)
    assert trial.broken == []
    assert any("multiprocessing/context.py" in one for one in trial.before)
    assert trial.answers["rewritten"]
    assert trial.after == []
    assert trial.imported >= 80
