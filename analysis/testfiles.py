"""Which files are tests."""

from __future__ import annotations

import re

_TEST = re.compile(r"(?:^|/)(?:tests?|testing)/|(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.py\Z")


def is_test(path: str) -> bool:
    """Whether the file at ``path``, relative to its tree, is one of the tests."""
    return _TEST.search(path) is not None
