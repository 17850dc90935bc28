"""``python -m unsnarl`` is ``unsnarl``."""

from __future__ import annotations

from unsnarl.early import tell_interruptions


def main() -> None:
    """Run the command line. The installed command comes in here, too, since the imports take the most of a start."""
    tell_interruptions()
    from unsnarl.cli import main as run

    run()


if __name__ == "__main__":
    main()
