"""Rewrites that answer the rules. The only package that loads libcst."""

import sys

if sys.argv[:1] == ["-m"]:
    # `python -m codemods.<name>`, before that module itself is run. The working folder is first on the path, and a tree
    # under repair may well have its own `config` or `linters` there, or a module called like one that we import.
    import os

    _home = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120
    if not sys.flags.safe_path and os.path.realpath(sys.path[0]) != _home:
        del sys.path[0]
    sys.path.insert(0, _home)
    from unsnarl.early import tell_interruptions
    from unsnarl.isolation import isolate

    del sys.path[0]
    tell_interruptions()
    isolate()
