"""Questions that are asked of a Python tree: source, facts, the index, and one module per question."""

import sys

if sys.argv[:1] == ["-m"]:
    # `python -m analysis.<name>`, before that module itself is run: the working folder is first on the path, and a tree
    # under repair may well have its own `config` there.
    import os

    _home = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120
    if not sys.flags.safe_path and os.path.realpath(sys.path[0]) != _home:
        sys.path[0] = _home
