"""What ``event_bus`` makes of circles of imports, and what it declines."""

from __future__ import annotations

from codemods.edits import Reason, TreeExample

_SESSION = "from memory import Memory\n\n\nclass Session(Memory):\n    pass\n"
_MAIN = "import session\n\nprint(session.Session().open())\n"

EXAMPLES = (
    TreeExample(
        "used in a function only",
        {
            "memory.py": "import logging\n\nimport session  # the newest\n\n\nclass Memory:\n"
            '    def open(self):\n        """Open a session."""\n        return type(session.Session()).__name__\n',
            "session.py": _SESSION,
            "main.py": _MAIN,
        },
        {
            "memory.py": "import logging\n\n\nclass Memory:\n"
            '    def open(self):\n        """Open a session."""\n        import session  # the newest\n\n'
            "        return type(session.Session()).__name__\n",
        },
    ),
    TreeExample(
        "used in annotations only",
        {
            "memory.py": "import logging\n\nfrom session import Session\n\n\nclass Memory:\n"
            "    def open(self, session: Session | None = None) -> list[Session]:\n        return []\n",
            "session.py": _SESSION,
            "main.py": _MAIN,
        },
        {
            "memory.py": "import logging\nfrom typing import TYPE_CHECKING\n\n"
            "if TYPE_CHECKING:\n    from session import Session\n\n\nclass Memory:\n"
            '    def open(self, session: "Session | None" = None) -> "list[Session]":\n        return []\n',
        },
    ),
    TreeExample(
        "in annotations that Python leaves alone, and in a function",
        {
            "memory.py": "from __future__ import annotations\n\nfrom typing import TYPE_CHECKING\n\n"
            "from session import Session\n\nif TYPE_CHECKING:\n    from collections.abc import Callable\n\n\n"
            "class Memory:\n    def open(self, make: Callable[[], Session] | None = None) -> str:\n"
            "        return type((make or Session)()).__name__\n",
            "session.py": _SESSION,
            "main.py": _MAIN,
        },
        {
            "memory.py": "from __future__ import annotations\n\nfrom typing import TYPE_CHECKING\n\n"
            "if TYPE_CHECKING:\n    from collections.abc import Callable\n\n    from session import Session\n\n\n"
            "class Memory:\n    def open(self, make: Callable[[], Session] | None = None) -> str:\n"
            "        from session import Session\n\n        return type((make or Session)()).__name__\n",
        },
    ),
    TreeExample(
        "in annotations, where names of typing are imported already",
        {
            "memory.py": "from __future__ import annotations\n\nfrom typing import (\n    Any,  # what a session says\n"
            "    cast,\n)\n\nfrom session import Session\n\n\nclass Memory:\n"
            "    def open(self, session: Session | None = None) -> Any:\n        return cast(Any, session)\n",
            "session.py": _SESSION,
            "main.py": _MAIN,
        },
        {
            "memory.py": "from __future__ import annotations\n\nfrom typing import (\n    TYPE_CHECKING,\n"
            "    Any,  # what a session says\n    cast,\n)\n\nif TYPE_CHECKING:\n    from session import Session\n\n\n"
            "class Memory:\n    def open(self, session: Session | None = None) -> Any:\n"
            "        return cast(Any, session)\n",
        },
    ),
    TreeExample(
        "with a comment above, and too long for a line where it goes",
        {
            "memory.py": "import logging\n\n# Behind the loggers, which these need.\n"
            "from session import open_session_of_a_user, open_session_of_a_machine\n\n\nclass Memory:\n"
            "    def open(self, user):\n        if logging and user:\n            return open_session_of_a_user()\n"
            "        return open_session_of_a_machine()\n",
            "session.py": "from memory import Memory\n\n\nclass Session(Memory):\n    pass\n\n\n"
            "def open_session_of_a_user():\n    return 1\n\n\ndef open_session_of_a_machine():\n    return 2\n",
            "main.py": "import session\n\nprint(session.Session().open(3))\n",
            "pyproject.toml": "[tool.ruff]\nline-length = 72\n",
        },
        {
            "memory.py": "import logging\n\n\nclass Memory:\n    def open(self, user):\n"
            "        # Behind the loggers, which these need.\n        from session import (\n"
            "            open_session_of_a_user,\n            open_session_of_a_machine,\n        )\n\n"
            "        if logging and user:\n            return open_session_of_a_user()\n"
            "        return open_session_of_a_machine()\n",
        },
    ),
    TreeExample(
        "used by the script that the module is, too",
        {
            "agent.py": "import json\nimport watcher\n\n\ndef status():\n    return json.dumps({'up': True})\n\n\n"
            'if __name__ == "__main__":\n    # Tell that we are up.\n    print(watcher.look())\n',
            "watcher.py": "from agent import status\n\n\ndef look():\n    return status()\n",
            "main.py": "import watcher\n\nprint(watcher.look())\n",
        },
        {
            "agent.py": "import json\n\n\ndef status():\n    return json.dumps({'up': True})\n\n\n"
            'if __name__ == "__main__":\n    import watcher\n\n    # Tell that we are up.\n    print(watcher.look())\n',
        },
    ),
    TreeExample(
        "taken from the package that hands it on",
        {
            "app/__init__.py": "from .base import Base\nfrom .user import User\n",
            "app/base.py": "class Base:\n    pass\n",
            "app/user.py": "from . import Base as Root\n\n\nclass User(Root):\n    pass\n",
            "main.py": "import app\n\nprint(app.User.__mro__)\n",
        },
        {"app/user.py": "from .base import Base as Root\n\n\nclass User(Root):\n    pass\n"},
    ),
    TreeExample(
        "needed while both are imported",
        {
            "memory.py": '"""Memories."""\n\nimport enum\nimport json\n\nfrom session import Session\n\n'
            "# How long to keep them, in days.\nKEPT = 30\n\n\n"
            "class Kind(enum.Enum):\n    SHORT = 1\n    LONG = 2\n\n\n"
            "class Memory(Session):\n    def text(self):\n        return json.dumps(self.kind.name)\n",
            "session.py": "from memory import KEPT, Kind\n\n\nclass Session:\n    kind = Kind.LONG\n    days = KEPT\n",
            "main.py": "import session\nimport memory\n\n"
            "print(memory.Memory().text(), memory.Kind.SHORT, memory.KEPT)\n",
        },
        {
            "memory.py": '"""Memories."""\n\nimport json\n\n'
            "from memory_shared import KEPT, Kind  # noqa: F401\nfrom session import Session\n\n\n"
            "class Memory(Session):\n    def text(self):\n        return json.dumps(self.kind.name)\n",
            "memory_shared.py": '"""What memory.py shares with modules that it imports."""\n\nimport enum\n\n'
            "# How long to keep them, in days.\nKEPT = 30\n\n\nclass Kind(enum.Enum):\n    SHORT = 1\n    LONG = 2\n",
            "session.py": "from memory_shared import KEPT, Kind\n\n\nclass Session:\n    kind = Kind.LONG\n"
            "    days = KEPT\n",
        },
    ),
    TreeExample(
        "handed on by the package, and to others",
        {
            "app/__init__.py": "from app.first import First\n\nfrom app.second import Second\n",
            "app/first.py": "from app import second\n\n\nclass First:\n    def go(self):\n"
            "        return second.Second().name\n",
            "app/second.py": "from app.first import First\n\n\nclass Second(First):\n    name = 'second'\n",
            "app/third.py": "from app.first import second\n",
            "main.py": "import app\n\nprint(app.First().go())\n",
        },
        declined=Reason.OFFERED,
    ),
    TreeExample(
        "under a condition",
        {
            "memory.py": "try:\n    import session\nexcept ImportError:\n    session = None\n\n\nclass Memory:\n"
            "    def open(self):\n        return session.__name__\n",
            "session.py": _SESSION,
            "main.py": _MAIN,
        },
        declined=Reason.CONDITIONAL,
    ),
    TreeExample(
        "for its effect",
        {
            "memory.py": "import session\n\n\nclass Memory:\n    def open(self):\n        return 'open'\n",
            "session.py": _SESSION,
            "main.py": _MAIN,
        },
        declined=Reason.EFFECT,
    ),
    TreeExample(
        "with a name that nothing here uses",
        {
            "memory.py": "from session import Session, limit\n\n\nclass Memory:\n    def open(self):\n"
            "        return type(Session()).__name__\n",
            "session.py": "limit = 3\n\nimport memory\n\n\nclass Session(getattr(memory, 'Memory', object)):\n"
            "    def open(self):\n        return limit\n",
            "main.py": _MAIN,
        },
        declined=Reason.EFFECT,
    ),
    TreeExample(
        "in a function that is called while the module is imported",
        {
            "memory.py": "import session\n\n\ndef names():\n    return session.__name__\n\n\nKNOWN = [names()]\n\n\n"
            "class Memory:\n    def open(self):\n        return KNOWN\n",
            "session.py": _SESSION,
            "main.py": _MAIN,
        },
        declined=Reason.CALLED_AT_IMPORT,
    ),
    TreeExample(
        "replaced by a test",
        {
            "memory.py": "import session\n\n\nclass Memory:\n    def open(self):\n"
            "        return type(session.Session()).__name__\n",
            "session.py": _SESSION,
            "test_memory.py": "from unittest import mock\n\n\ndef test():\n"
            '    with mock.patch("memory.session"):\n        pass\n',
            "main.py": _MAIN,
        },
        declined=Reason.LOOKED_UP,
    ),
    TreeExample(
        "in an annotation that a decorator may read",
        {
            "memory.py": "from __future__ import annotations\n\nimport functools\n\nimport session\n\n\n"
            "class Memory:\n    @functools.singledispatchmethod\n    def show(self, one=None):\n"
            "        return 'one'\n\n    @show.register\n"
            "    def _(self, one: int, two: session.Session | None = None):\n        return 'int'\n\n"
            "    def open(self):\n        return self.show(1)\n",
            "session.py": _SESSION,
            "main.py": _MAIN,
        },
        declined=Reason.ANNOTATION,
    ),
    TreeExample(
        "inside a comment of its own",
        {
            "app/__init__.py": "",
            "app/memory.py": "from app import (\n    session,  # the newest\n)\n\n\nclass Memory:\n"
            "    def open(self):\n        return type(session.Session()).__name__\n",
            "app/session.py": "from app.memory import Memory\n\n\nclass Session(Memory):\n    pass\n",
            "main.py": "from app import session\n\nprint(session.Session().open())\n",
        },
        declined=Reason.COMMENT,
    ),
    TreeExample(
        "on a line with something else",
        {
            "memory.py": "import logging; import session\n\n\nclass Memory:\n    def open(self):\n"
            "        return type(session.Session()).__name__\n",
            "session.py": _SESSION,
            "main.py": _MAIN,
        },
        declined=Reason.SHARED_LINE,
    ),
    TreeExample(
        "bound by two imports",
        {
            "app/__init__.py": "",
            "app/memory.py": "import app.clock\nimport app.session\n\n\nclass Memory:\n    def open(self):\n"
            "        return type(app.session.Session()).__name__\n",
            "app/clock.py": "",
            "app/session.py": "from app.memory import Memory\n\n\nclass Session(Memory):\n    pass\n",
            "main.py": "import app.session\n\nprint(app.session.Session().open())\n",
        },
        declined=Reason.BOUND_TWICE,
    ),
    TreeExample(
        "a value that is bound anew cannot move",
        {
            "memory.py": "count = 0\n\nimport session\n\n\ndef more():\n    global count\n    count += 1\n"
            "    return session.first\n\n\nKNOWN = session.first\n",
            "session.py": "from memory import count\n\nfirst = count\n",
            "main.py": "import memory\n\nprint(memory.more())\n",
        },
        declined=Reason.NOT_MOVABLE,
    ),
)
