"""The whole tree that a project may be a part of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from analysis.discovery import Discovery, discover
from analysis.project import Project, load

if TYPE_CHECKING:
    from analysis.walk import Collector
    from config.settings import Settings


def whole(project: Project, settings: Settings, collectors: Sequence[type[Collector]]) -> Project:
    """The tree of ``project``, with what ``collectors`` note down in each file that was not asked for itself.

    The other side of a connection, or of an import, may stand where nobody asked for.
    """

    def search(wanted: Callable[[str], bool]) -> Discovery:
        return discover([project.root], project.root, settings.exclude, wanted=wanted)

    found = discover([project.root], project.root, settings.exclude)
    # Configuration may stand beside files that were asked for one by one.
    both = Project(project.root, found, project.jobs, project.cache, search)
    both.generated = project.generated
    files = project.files
    if not found.files.keys() <= project.files.keys():
        every = load(
            [project.root],
            root=project.root,
            collectors=collectors,
            jobs=project.jobs,
            cache=project.cache,
            exclude=settings.exclude,
        )
        files = {**every.files, **files}
        both.generated = every.generated
    both.files = dict(sorted(files.items()))
    return both
