"""``python -m unsnarl`` is ``unsnarl``."""

from __future__ import annotations

from unsnarl.cli import main

if __name__ == "__main__":
    main()
