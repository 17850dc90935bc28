"""Keeps the sessions of the user and what was said in them, and answers for that on a REP socket."""

import json
import os
import sqlite3
import time

import memory_client  # what was said is kept there
import zmq


class SessionMemoryAgent:
    def __init__(self):
        self.running = True
        self.socket = None

    def connect(self):
        connection = sqlite3.connect(os.environ["MEMORY_FILE"], timeout=10)
        connection.execute("CREATE TABLE IF NOT EXISTS sessions (id TEXT, user TEXT, touched INTEGER)")
        return connection

    def create_session(self, session_id: str, user_id: str = "default") -> bool:
        with self.connect() as connection:
            connection.execute("INSERT INTO sessions VALUES (?, ?, 0)", (session_id, user_id))
        return True

    def touch(self, session_id: str):
        with self.connect() as connection:
            connection.execute("UPDATE sessions SET touched = touched + 1 WHERE id = ?", (session_id,))

    def touched(self, session_id: str):
        with self.connect() as connection:
            row = connection.execute("SELECT touched FROM sessions WHERE id = ?", (session_id,)).fetchone()
        return row[0] if row else None

    def add_interaction(self, session_id: str, role: str, content: str) -> bool:
        with self.connect() as connection:
            known = connection.execute("SELECT 1 FROM sessions WHERE id = ?", (session_id,)).fetchone()
        if not known:
            return False
        return bool(memory_client.add_memory(f"{role}: {content}", f"interaction of {session_id}", session_id))

    def get_context(self, session_id: str, limit: int = 20):
        found = memory_client.search_memory("", memory_type=f"interaction of {session_id}", limit=limit)
        return [one["content"] for one in found]

    def search(self, query: str, limit: int = 10) -> list:
        with self.connect() as connection:
            sessions = [row[0] for row in connection.execute("SELECT id FROM sessions ORDER BY id")]
        hits = [
            {"session": one, "said": len(memory_client.search_memory(query, f"interaction of {one}"))}
            for one in sessions
        ]
        return [one for one in hits if one["said"]][:limit]

    def delete_session(self, session_id: str) -> int:
        with self.connect() as connection:
            connection.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
        return memory_client.forget(f"interaction of {session_id}")

    def process_request(self, request):
        action = request.pop("action")
        if action == "stop":
            self.running = False
            return "stopped"
        if action in ("create_session", "touched", "add_interaction", "get_context", "search", "delete_session"):
            return getattr(self, action)(**request)
        return {"error": f"unknown action: {action}", "when": time.time()}

    def run(self):
        self.socket = zmq.Context.instance().socket(zmq.REP)
        port = self.socket.bind_to_random_port("tcp://127.0.0.1")
        print(f"session_memory_agent {port}", flush=True)
        while self.running:
            request = json.loads(self.socket.recv())
            self.socket.send(json.dumps(self.process_request(request)).encode())
        self.socket.close(linger=100)


agent = SessionMemoryAgent()


if __name__ == "__main__":
    agent.run()
