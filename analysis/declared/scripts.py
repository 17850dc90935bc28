"""The Python file that an entry of a configuration runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from posixpath import dirname, join, normpath

from analysis.declared.nodes import Leaf, Series, Table

_KEYS = ("script_path", "script", "script_file", "launch_script", "command", "entrypoint", "cmd", "module")
_FILE = re.compile(r"(?:^|[\s\"'=])((?:[\w./~${}:-]|\\ )+\.pyw?)(?=$|[\s\"',;)\]])")
_MODULE = re.compile(r"(?:^|\s)-m\s+([A-Za-z_][\w.]*)")
_APPLICATION = re.compile(r"(?:^|\s)([A-Za-z_][\w.]*):[A-Za-z_]\w*(?:\(\))?(?=$|\s)")
_SERVERS = frozenset({"uvicorn", "gunicorn", "hypercorn", "daphne", "flask"})


def script_in(table: Table) -> str:
    """The script that the entry ``table`` runs, as a path; empty where it names none."""
    for key in _KEYS:
        node = table.get(key)
        if isinstance(node, Leaf) and isinstance(node.value, str):
            text = node.value.strip()
            # A path may have blanks in it; a command has them around it.
            if key.startswith(("script", "launch")) and text.endswith((".py", ".pyw")):
                return text
            found = script_of([text])
        elif isinstance(node, Series):
            found = script_of(str(one.value) for one in node.items if isinstance(one, Leaf) and one.value is not None)
        else:
            continue
        if found:
            return found
    return ""


def script_of(words: Iterable[str]) -> str:
    """The script that a command runs: a file, a module after ``-m``, or the application of a web server."""
    command = " ".join(words)
    module = _MODULE.search(command)
    if module is not None and module[1] not in _SERVERS:
        return module[1].replace(".", "/") + ".py"
    if any(server in command for server in _SERVERS):
        application = _APPLICATION.search(command)
        if application is not None:
            return application[1].replace(".", "/") + ".py"
    file = _FILE.search(command)
    return file[1] if file is not None else ""


class Scripts:
    """Finds the file of a tree that a script is: as it is told, from the configuration's folders, or by its end."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = set(paths)
        self._known: dict[tuple[str, str], str | None] = {}
        self._ends: dict[str, list[str]] = {}
        for path in self._paths:
            self._ends.setdefault(path.rpartition("/")[2], []).append(path)

    def find(self, script: str, configuration: str) -> str | None:
        """The path of ``script``, which the file ``configuration`` names; None when the tree has no such file."""
        if not script:
            return None
        key = script, dirname(configuration)
        if key not in self._known:
            self._known[key] = self._found(*key)
        return self._known[key]

    def _found(self, script: str, folder: str) -> str | None:
        script = normpath(script.replace("\\", "/"))
        while not script.startswith("/"):
            path = normpath(join(folder, script))
            if path in self._paths:
                return path
            if not folder:
                break
            folder = dirname(folder)
        # On the machine where it runs, the tree lies elsewhere: `/app/agents/tts.py`.
        parts = script.strip("/").split("/")
        for length in range(len(parts), 1, -1):
            path = "/".join(parts[-length:])
            if path in self._paths:
                return path
        if script.startswith("/"):
            return None
        ends = [path for path in self._ends.get(parts[-1], ()) if path.endswith(f"/{script}")]
        return ends[0] if len(ends) == 1 and len(parts) > 1 else None
