"""Keeps what is to be remembered, in a file, and answers for it on a REP socket."""

import json
import os
import sqlite3
import time
import uuid
from typing import Any, Dict, List

import session_memory_agent
import zmq


def connect():
    connection = sqlite3.connect(os.environ["MEMORY_FILE"], timeout=10)
    connection.execute("CREATE TABLE IF NOT EXISTS memories (id TEXT, type TEXT, content TEXT, kept REAL)")
    return connection


def add_memory(content: str, memory_type: str = "general", session_id: str = "") -> str:
    memory_id = uuid.uuid4().hex
    with connect() as connection:
        connection.execute("INSERT INTO memories VALUES (?, ?, ?, ?)", (memory_id, memory_type, content, time.time()))
    if session_id:
        # Nobody waits for that: a session lives on as long as something is kept from it.
        session_memory_agent.agent.touch(session_id)
    return memory_id


def search_memory(query: str, memory_type: str = None, limit: int = 10) -> List[Dict[str, Any]]:
    with connect() as connection:
        rows = connection.execute(
            "SELECT type, content FROM memories WHERE content LIKE ? AND type = ifnull(?, type) ORDER BY kept LIMIT ?",
            (f"%{query}%", memory_type, limit),
        ).fetchall()
    return [{"type": kind, "content": content} for kind, content in rows]


def forget(memory_type: str) -> int:
    with connect() as connection:
        return connection.execute("DELETE FROM memories WHERE type = ?", (memory_type,)).rowcount


def sessions_with(query: str):
    """The sessions in which a text was said: the other service knows."""
    found = session_memory_agent.agent.search(
        query,  # as it was typed
        limit=5,
    )
    return [one["session"] for one in found]


class MemoryClient:
    def __init__(self):
        self.running = True
        self.socket = zmq.Context.instance().socket(zmq.REP)
        self.port = self.socket.bind_to_random_port("tcp://127.0.0.1")

    def process_request(self, request):
        action = request.pop("action")
        if action == "add_memory":
            return add_memory(**request) != ""
        if action == "search_memory":
            return search_memory(**request)
        if action == "forget":
            return forget(**request)
        if action == "sessions_with":
            return sessions_with(**request)
        if action == "stop":
            self.running = False
            return "stopped"
        return {"error": f"unknown action: {action}"}

    def run(self):
        print(f"memory_client {self.port}", flush=True)
        while self.running:
            request = json.loads(self.socket.recv())
            self.socket.send(json.dumps(self.process_request(request)).encode())
        self.socket.close(linger=100)


if __name__ == "__main__":
    client = MemoryClient()
    client.run()
