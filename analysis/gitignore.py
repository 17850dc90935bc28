"""A walk over folders where there is no git to ask, with the ``.gitignore`` files that lie in them."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from analysis.discovery import ENVIRONMENT, folder_reason, name_reason

if TYPE_CHECKING:
    import pathspec

    from analysis.discovery import _Search


_NAMED_GROUP = re.compile(r"\(\?P<\w+>")
_FOLDER = "ps_d"
"""The group of pathspec's expressions that matches the slash behind a folder."""
_DEEP_FOLDERS = re.compile(r"(?<![^/!])\*\*/\s*$")


class _Rules(NamedTuple):
    """The patterns of one ``.gitignore``, which hold below ``folder``; ``some`` finds what any of them matches."""

    folder: str
    spec: pathspec.GitIgnoreSpec
    some: re.Pattern[str]


def walk(search: _Search, top: str) -> None:
    """Hand ``search`` each file below ``top`` that counts, and note why the others do not."""
    pending: list[tuple[str, tuple[_Rules, ...]]] = [(top, _rules_above(top, search.root))]
    while pending:
        folder, rules = pending.pop()
        try:
            with os.scandir(folder) as scan:
                entries = list(scan)
        except OSError as error:
            from analysis.source import unreadable

            search.result.unreadable[search.name(folder) + "/"] = unreadable(error).message
            continue
        names = {entry.name for entry in entries}
        # Asked here, where the names are at hand: to ask each folder for two more costs as much as all the rest.
        if folder != top and not ENVIRONMENT.isdisjoint(names):
            search.leave_out(folder, "an environment")
            continue
        if ".gitignore" in names:
            rules = (*rules, *_rules_in(folder))
        if folder != top and ".git" in names:
            search.below(folder)
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                reason = name_reason(entry.path, entry.name)
                if reason is None and _ignored(entry.path, True, rules):
                    reason = folder_reason(entry.path, entry.name) or "ignored by a .gitignore"
                if reason is not None:
                    search.leave_out(entry.path, reason)
                elif not search.is_excluded(entry.path, folder=True):
                    pending.append((entry.path, rules))
            elif entry.is_symlink() and os.path.isdir(entry.path):
                # What a link leads to is either in the tree by its own name, or is not of the tree.
                search.result.excluded[search.name(entry.path) + "/"] = "a link to a folder"
            elif search.wanted(entry.name):
                if _ignored(entry.path, False, rules):
                    search.result.excluded[search.name(entry.path)] = "ignored by a .gitignore"
                else:
                    search.take(entry.path)


def _rules_above(top: str, root: str) -> tuple[_Rules, ...]:
    """The rules of the folders from ``root`` (or the work tree's own root) down to the one above ``top``.

    A rule that ignores ``top`` as a whole is left out: it was asked for.
    """
    folders: list[str] = []
    folder = top
    while folder != root and not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return ()
        folders.append(parent)
        folder = parent
    return tuple(rule for above in reversed(folders) for rule in _rules_in(above) if not _ignored(top, True, (rule,)))


def _rules_in(folder: str) -> tuple[_Rules, ...]:
    import pathspec

    try:
        with open(os.path.join(folder, ".gitignore"), encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return ()
    kept = []
    for line in lines:
        # The same to git; pathspec takes it for the files in there, too.
        line = _DEEP_FOLDERS.sub("**/*/", line)
        try:
            pathspec.GitIgnoreSpec.from_lines([line])
        except ValueError:
            # Git passes over a pattern that makes no sense.
            continue
        kept.append(line)
    spec = pathspec.GitIgnoreSpec.from_lines(kept)
    patterns = [each.regex.pattern for each in spec.patterns if each.include is not None and each.regex is not None]
    # Most paths match nothing, which one expression finds out many times as fast as a hundred do.
    some = re.compile("|".join(_NAMED_GROUP.sub("(?:", each) for each in patterns) or r"(?!)")
    return (_Rules(folder, spec, some),)


def _ignored(path: str, folder: bool, rules: tuple[_Rules, ...]) -> bool:
    """Whether ``path`` is ignored: the innermost file with a pattern that matches decides."""
    for rule in reversed(rules):
        name = os.path.relpath(path, rule.folder).replace(os.sep, "/") + ("/" if folder else "")
        said = _said(rule.spec, name) if rule.some.search(name) else None
        if said is not None:
            return said
    return False


def _said(spec: pathspec.GitIgnoreSpec, name: str) -> bool | None:
    """What the last pattern that matches ``name`` itself says; None when none does.

    pathspec matches what lies in a folder by the folder's pattern as well. Here the folder has been asked about before:
    had it been ignored, nobody would ask about what is in it, and that it is not says nothing of its files.
    """
    for pattern in reversed(list(spec.patterns)):
        if pattern.include is None or pattern.regex is None:
            continue
        # A pattern for a folder matches up to the slash behind it: of the folder's own name that is the end.
        for match in pattern.regex.finditer(name):
            if not match.groupdict().get(_FOLDER) or match.end(_FOLDER) == len(name):
                return pattern.include
    return None
