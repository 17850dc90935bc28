"""What ``event_bus --events`` makes of two services that import each other, and what it declines."""

from __future__ import annotations

from codemods.edits import Reason, TreeExample

_START = '\n\ndef main() -> None:\n    print("{} serves")\n\n\nif __name__ == "__main__":\n    main()\n'
_HANDLER = (
    "\n\n@cache\ndef handle_events(bus: Bus) -> None:\n"
    '    """Answer what other services ask of this one: once on each bus, however often it is called."""\n'
    "    bus.handle({})\n"
)
_STARTED = (
    '\n\ndef main() -> None:\n    handle_events(get_bus())\n    print("{} serves")\n'
    + _HANDLER
    + '\n\nif __name__ == "__main__":\n    main()\n'
)
_SESSION = "import memory\n\n\ndef count() -> int:\n    return 2\n\n\ndef say(text: str) -> int:\n    return {}\n"
_MAIN = 'import memory\nimport session\n\nmemory.main()\nsession.main()\nprint(session.say("Hello"))\n'

EXAMPLES = (
    TreeExample(
        "two services, started by one program here",
        {
            "memory.py": "import session\n\n\ndef keep(text: str, times: int = 1) -> int:\n"
            "    return len(text) * times + session.count()\n" + _START.format("memory"),
            "session.py": _SESSION.format("memory.keep(text)") + _START.format("session"),
            "main.py": _MAIN,
        },
        {
            "memory.py": "from functools import cache\n\nfrom runtime.events import Bus, get_bus\n\n"
            "from memory_events import Count, Keep\n\n\ndef keep(text: str, times: int = 1) -> int:\n"
            "    return len(text) * times + get_bus().request_sync(Count(), timeout=30)\n"
            + _STARTED.format("memory", "Keep, lambda asked: keep(asked.text, asked.times)"),
            "memory_events.py": '"""Events and requests between memory and session."""\n\n'
            "from runtime.events import Request\n\n\n"
            "class Count(Request[int], frozen=True):\n"
            '    """Asks session for count(): the answer is what that returns."""\n\n    TOPIC = "session.count"\n\n\n'
            "class Keep(Request[int], frozen=True):\n"
            '    """Asks memory for keep(): the answer is what that returns."""\n\n    TOPIC = "memory.keep"\n\n'
            "    text: str\n    times: int = 1\n",
            "session.py": "from functools import cache\n\nfrom runtime.events import Bus, get_bus\n\n"
            "from memory_events import Count, Keep\n\n\ndef count() -> int:\n    return 2\n\n\n"
            "def say(text: str) -> int:\n    return get_bus().request_sync(Keep(text=text), timeout=30)\n"
            + _STARTED.format("session", "Count, lambda _: count()"),
        },
        options={"events": True},
    ),
    TreeExample(
        "two services, of which each tells the other's errors apart",
        {
            "memory.py": "def keep(text: str) -> int:\n    import session\n\n    try:\n"
            "        return session.count(text)\n    except ValueError:\n        return 0\n" + _START.format("memory"),
            "session.py": "def count(text: str) -> int:\n    return int(text)\n\n\n"
            "def say(text: str) -> int:\n    import memory\n\n    try:\n        return memory.keep(text) + 1\n"
            "    except TypeError:\n        return 0\n" + _START.format("session"),
            "main.py": _MAIN,
        },
        declined=Reason.ERRORS_MATTER,
        options={"events": True},
    ),
)
