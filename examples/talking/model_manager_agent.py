"""Loads models onto the graphics card and takes them off again; answers on a REP socket, in an event loop."""

import asyncio
import json
import os
import sqlite3

import zmq
import zmq.asyncio

from vram_optimizer_agent import get_optimizer, room_for


def card():
    """What is on the card: a file in the place of the driver, which is the same for all processes, too."""
    connection = sqlite3.connect(os.environ["CARD_FILE"], timeout=10)
    connection.execute("CREATE TABLE IF NOT EXISTS models (name TEXT PRIMARY KEY, size INTEGER, used INTEGER)")
    return connection


async def load_model(name: str, size: int) -> bool:
    if not await room_for(size, model=name):
        return False
    with card() as connection:
        connection.execute("INSERT OR REPLACE INTO models VALUES (?, ?, 0)", (name, size))
    get_optimizer().model_used(name)
    return True


async def unload_model(name: str) -> bool:
    with card() as connection:
        return connection.execute("DELETE FROM models WHERE name = ?", (name,)).rowcount > 0


def loaded():
    with card() as connection:
        return [row[0] for row in connection.execute("SELECT name FROM models ORDER BY name")]


async def status():
    free, pressure = get_optimizer().usage()
    return {"loaded": loaded(), "free": free, "pressure": pressure}


async def process_request(request):
    action = request.pop("action")
    if action == "load_model":
        return await load_model(**request)
    if action == "unload_model":
        return await unload_model(**request)
    if action == "status":
        return await status()
    return {"error": f"unknown action: {action}"}


async def main():
    socket = zmq.asyncio.Context.instance().socket(zmq.REP)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    print(f"model_manager_agent {port}", flush=True)
    while True:
        request = json.loads(await socket.recv())
        if request == {"action": "stop"}:
            break
        await socket.send(json.dumps(await process_request(request)).encode())
    await socket.send(b'"stopped"')
    socket.close(linger=100)


if __name__ == "__main__":
    asyncio.run(main())
