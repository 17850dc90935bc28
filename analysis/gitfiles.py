"""The files of a git work tree, as git names them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import NamedTuple

_TRACKED = re.compile(rb"([0-7]{6}) [0-9a-f]{40,64} [0-3]\t")
"""How ``--stage`` begins the entry of a tracked file. The mode 160000 is a submodule's."""
_UNREADABLE = re.compile(rb"warning: could not open directory '(.*?)/?': (.*)")


class Listing(NamedTuple):
    """What git says of a folder, in absolute paths.

    ``files`` tracked or not ignored, ``nested`` work trees of their own, ``ignored`` files and folders (with ``/`` at
    the end), and folders that are ``unreadable``; the last two with the reason.
    """

    files: list[str]
    nested: list[str]
    ignored: list[tuple[str, str]]
    unreadable: list[tuple[str, str]]


def list_files(top: str, wanted: Callable[[str], bool], ignored: bool = False) -> Listing | None:
    """The files below the folder ``top`` whose path is ``wanted``; None when git cannot say, or ignores all of it."""
    if not _in_work_tree(top):
        return None
    done = _git(top, "ls-files", "-z", "--stage", "--cached", "--others", "--exclude-standard")
    if done is None:
        return None
    output, errors = done
    base = top.rstrip("/") + "/"
    listing = Listing([], [], [], [])
    for entry in output.split(b"\0"):
        tracked = _TRACKED.match(entry)
        path = base + os.fsdecode(entry[tracked.end() :] if tracked else entry)
        if wanted(path) and not (tracked and tracked[1] == b"160000"):
            listing.files.append(path)
        elif path == base + "./":
            # The folder of a submodule that is not there.
            continue
        elif entry.endswith(b"/"):
            listing.nested.append(path[:-1])
        elif tracked and tracked[1] == b"160000" and os.path.lexists(path):
            listing.nested.append(path)
    if not output and _git(top, "check-ignore", "-q", ".") is not None:
        return None
    for folder, why in _UNREADABLE.findall(errors):
        reason = os.fsdecode(why)
        listing.unreadable.append((os.path.join(top, os.fsdecode(folder)), reason[:1].lower() + reason[1:]))
    if ignored:
        done = _git(top, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
        for entry in (done[0] if done else b"").split(b"\0"):
            path = os.fsdecode(entry)
            if (path.endswith("/") or wanted(path)) and path != "./":
                listing.ignored.append((base + path, "ignored by git"))
    return listing


def _in_work_tree(top: str) -> bool:
    """Whether a folder at or above ``top`` has a ``.git``: asking git itself would cost a process."""
    folder = os.path.realpath(top)
    while True:
        if os.path.lexists(os.path.join(folder, ".git")):
            return True
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent


def _git(top: str, *arguments: str) -> tuple[bytes, bytes] | None:
    import subprocess

    # A hook is run with variables that point git at one repository; here each folder's own is meant.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment.update(LC_ALL="C", GIT_OPTIONAL_LOCKS="0", GIT_TERMINAL_PROMPT="0")
    try:
        done = subprocess.run(
            # The tree's own configuration may name a program to run as its file monitor.
            ["git", "-c", "core.fsmonitor=false", "-C", top, *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=environment,
            check=False,
        )
    except OSError:
        return None
    return (done.stdout, done.stderr) if done.returncode == 0 else None
