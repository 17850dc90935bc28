"""Run a module of unittest tests as ``python -m`` would, and write each test's result to a file.

Usage: record_unittest.py RESULTS MODULE [ARGUMENT...]
"""

from __future__ import annotations

import json
import runpy
import sys
import unittest
from pathlib import Path
from typing import Any

OUTCOMES = {
    "addSuccess": "passed",
    "addFailure": "failed",
    "addError": "error",
    "addSkip": "skipped",
    "addExpectedFailure": "xfailed",
    "addUnexpectedSuccess": "xpassed",
}


def main() -> None:
    results, module = Path(sys.argv[1]), sys.argv[2]
    found: dict[str, str] = {}
    for method, outcome in OUTCOMES.items():
        _patch(method, outcome, found)
    sys.argv = sys.argv[2:]
    sys.path.insert(0, "")
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        results.write_text(json.dumps(found, sort_keys=True))


def _patch(method: str, outcome: str, found: dict[str, str]) -> None:
    original = getattr(unittest.TestResult, method)

    def record(self: unittest.TestResult, test: unittest.TestCase, *rest: Any) -> None:
        found[test.id()] = outcome
        original(self, test, *rest)

    setattr(unittest.TestResult, method, record)


if __name__ == "__main__":
    main()
