"""Events and requests about memories and sessions.

They stand between what keeps memories and what keeps sessions (``memory_client`` and ``session_memory_agent`` in the
playbook), so that neither has to import or to call the other.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from ._event import Event, Request


class Memory(msgspec.Struct, frozen=True):
    """One memory.

    Attributes:
        memory_id: Its id.
        content: What is remembered.
        memory_type: What kind of memory, as in ``general``.
        tier: For how long it is kept: ``short``, ``medium`` or ``long``.
        importance: From 0 to 1.
        metadata: What else is known of it.
        parent_id: The memory that it belongs to; empty for none.
    """

    memory_id: str
    content: str
    memory_type: str = "general"
    tier: str = "short"
    importance: float = 0.5
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    parent_id: str = ""


class Interaction(msgspec.Struct, frozen=True):
    """One thing said in a session.

    Attributes:
        role: Who said it, as in ``user``.
        content: What was said.
        when: Seconds since the epoch.
        metadata: What else is known of it.
    """

    role: str
    content: str
    when: float = 0.0
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)


class MemoryStored(Event, frozen=True):
    """A memory is kept now.

    Attributes:
        memory_id: Its id.
        memory_type: What kind of memory.
        session_id: From which session; empty for none.
    """

    TOPIC: ClassVar[str] = "memory.stored"

    memory_id: str
    memory_type: str = "general"
    session_id: str = ""


class MemoryUpdated(Event, frozen=True):
    """A memory has changed.

    Attributes:
        memory_id: Its id.
        fields: Names of what has changed.
    """

    TOPIC: ClassVar[str] = "memory.updated"

    memory_id: str
    fields: list[str] = msgspec.field(default_factory=list)


class MemoryDeleted(Event, frozen=True):
    """A memory is gone.

    Attributes:
        memory_id: Its id.
        cascade: Whether those that belonged to it are gone, too.
    """

    TOPIC: ClassVar[str] = "memory.deleted"

    memory_id: str
    cascade: bool = False


class SessionStarted(Event, frozen=True):
    """A session has begun.

    Attributes:
        session_id: Its id.
        user_id: Whose.
        session_type: What kind, as in ``conversation``.
    """

    TOPIC: ClassVar[str] = "memory.session_started"

    session_id: str
    user_id: str = ""
    session_type: str = "conversation"


class SessionEnded(Event, frozen=True):
    """A session is over.

    Attributes:
        session_id: Its id.
        reason: Why, as in ``expired``.
    """

    TOPIC: ClassVar[str] = "memory.session_ended"

    session_id: str
    reason: str = ""


class InteractionAdded(Event, frozen=True):
    """Something was said in a session.

    Attributes:
        session_id: Its id.
        interaction: What.
    """

    TOPIC: ClassVar[str] = "memory.interaction_added"

    session_id: str
    interaction: Interaction


class AddMemory(Request[str], frozen=True):
    """Keep a memory, and give its id.

    Attributes:
        content: What is to be remembered.
        memory_type: What kind of memory.
        tier: For how long it is to be kept.
        importance: From 0 to 1.
        metadata: What else is known of it.
        parent_id: The memory that it belongs to; empty for none.
    """

    TOPIC: ClassVar[str] = "memory.add"

    content: str
    memory_type: str = "general"
    tier: str = "short"
    importance: float = 0.5
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    parent_id: str = ""


class GetMemory(Request[Memory | None], frozen=True):
    """The memory of an id; None when there is none.

    Attributes:
        memory_id: Its id.
    """

    TOPIC: ClassVar[str] = "memory.get"

    memory_id: str


class SearchMemory(Request[list[Memory]], frozen=True):
    """The memories that a text is found in, or that are like it.

    Attributes:
        query: The text.
        memory_type: Of which kind; empty: of any.
        limit: How many at most.
        semantic: By meaning, and not by words.
    """

    TOPIC: ClassVar[str] = "memory.search"

    query: str
    memory_type: str = ""
    limit: int = 10
    semantic: bool = False


class DeleteMemory(Request[bool], frozen=True):
    """Delete a memory, and tell whether it was there.

    Attributes:
        memory_id: Its id.
        cascade: Delete those that belong to it, too.
    """

    TOPIC: ClassVar[str] = "memory.delete"

    memory_id: str
    cascade: bool = True


class CreateSession(Request[str], frozen=True):
    """Begin a session, and give its id.

    Attributes:
        user_id: Whose.
        session_type: What kind.
        metadata: What else is known of it.
    """

    TOPIC: ClassVar[str] = "memory.create_session"

    user_id: str
    session_type: str = "conversation"
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)


class AddInteraction(Request[bool], frozen=True):
    """Note what was said in a session, and tell whether the session is there.

    Attributes:
        session_id: Its id.
        interaction: What was said.
    """

    TOPIC: ClassVar[str] = "memory.add_interaction"

    session_id: str
    interaction: Interaction


class GetContext(Request[list[Interaction]], frozen=True):
    """What was said last in a session, oldest first.

    Attributes:
        session_id: Its id.
        limit: How many at most.
    """

    TOPIC: ClassVar[str] = "memory.get_context"

    session_id: str
    limit: int = 20


class DeleteSession(Request[bool], frozen=True):
    """Delete a session, and tell whether it was there.

    Attributes:
        session_id: Its id.
    """

    TOPIC: ClassVar[str] = "memory.delete_session"

    session_id: str
