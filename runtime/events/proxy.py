"""``python -m runtime.events.proxy``: the hub of a bus between processes, as a program of its own."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # The working folder is first on the path, and a tree may well have its own `unsnarl`, or a module called like one
    # that we import.
    home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))  # noqa: PTH120
    if not sys.flags.safe_path and os.path.realpath(sys.path[0]) != home:
        del sys.path[0]
    sys.path.insert(0, home)
    from unsnarl.isolation import isolate

    del sys.path[0]
    isolate()
    from runtime.events._cli import main

    main()
