"""The one place that imports pyzmq."""

from __future__ import annotations


def load() -> None:
    """Import pyzmq.

    Raises:
        ImportError: It is not installed; the message has the command that installs it.
    """
    try:
        import zmq  # noqa: F401
    except ModuleNotFoundError as missing:
        raise ImportError(
            f"a bus between processes needs pyzmq ({missing.name} is missing): pip install 'unsnarl[runtime]'",
            name=missing.name,
        ) from None


load()
