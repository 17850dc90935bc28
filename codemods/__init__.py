"""Rewrites that answer the rules. The only package that loads libcst."""

import sys

if sys.argv[:1] == ["-m"]:
    # `python -m codemods.<name>` puts the working folder first on the path, and a tree under repair may well have its
    # own `config` or `linters` there. This runs before the module itself does.
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from unsnarl.isolation import isolate

    isolate()
