"""Watches over the memory of the graphics card, and makes room; answers on a REP socket, in an event loop."""

import asyncio
import json
import os
import sqlite3

import zmq
import zmq.asyncio

CAPACITY = 1000


def card():
    connection = sqlite3.connect(os.environ["CARD_FILE"], timeout=10)
    connection.execute("CREATE TABLE IF NOT EXISTS models (name TEXT PRIMARY KEY, size INTEGER, used INTEGER)")
    return connection


class VramOptimizer:
    def __init__(self, capacity):
        self.capacity = capacity

    def usage(self):
        with card() as connection:
            taken = connection.execute("SELECT ifnull(sum(size), 0) FROM models").fetchone()[0]
        return self.capacity - taken, "high" if taken > 0.8 * self.capacity else "normal"

    def model_used(self, model: str) -> None:
        with card() as connection:
            connection.execute("UPDATE models SET used = (SELECT max(used) + 1 FROM models) WHERE name = ?", (model,))

    def least_used(self):
        with card() as connection:
            row = connection.execute("SELECT name FROM models ORDER BY used, name LIMIT 1").fetchone()
        return row[0] if row else None


_optimizer = None


def get_optimizer():
    global _optimizer
    if _optimizer is None:
        _optimizer = VramOptimizer(CAPACITY)
    return _optimizer


async def room_for(size: int, *, model: str) -> bool:
    """Take models off the card until another fits."""
    from model_manager_agent import unload_model

    while get_optimizer().usage()[0] < size:
        idle = get_optimizer().least_used()
        if idle is None or idle == model or not await unload_model(idle):
            return False
    return True


async def process_request(request):
    action = request.pop("action")
    if action == "usage":
        return list(get_optimizer().usage())
    if action == "room_for":
        return await room_for(**request)
    return {"error": f"unknown action: {action}"}


async def main():
    socket = zmq.asyncio.Context.instance().socket(zmq.REP)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    print(f"vram_optimizer_agent {port}", flush=True)
    while True:
        request = json.loads(await socket.recv())
        if request == {"action": "stop"}:
            break
        await socket.send(json.dumps(await process_request(request)).encode())
    await socket.send(b'"stopped"')
    socket.close(linger=100)


if __name__ == "__main__":
    asyncio.run(main())
