"""Entry points of libraries that are given a port: servers and clients."""

from __future__ import annotations

from typing import NamedTuple

from analysis.collectors.port_records import Side


class Entry(NamedTuple):
    """An entry point of a library: which side it is, and where it takes address, host and port.

    A number is a position, ``address`` may also be a pair (host, port).
    """

    side: Side
    by: str
    address: int | None = None
    host: int | None = None
    port: int | None = None
    default: int | None = None


ENTRIES: dict[str, Entry] = {
    "uvicorn.run": Entry("bind", "http", None, None, None, 8000),
    "uvicorn.Config": Entry("bind", "http", None, None, None, 8000),
    "web.run_app": Entry("bind", "http", None, None, None, 8080),
    "web.TCPSite": Entry("bind", "http", None, 1, 2),
    "TCPSite": Entry("bind", "http", None, 1, 2),
    "HTTPServer": Entry("bind", "http", 0),
    "ThreadingHTTPServer": Entry("bind", "http", 0),
    "TCPServer": Entry("bind", "socket", 0),
    "ThreadingTCPServer": Entry("bind", "socket", 0),
    "UDPServer": Entry("bind", "socket", 0),
    "make_server": Entry("bind", "http", None, 0, 1),
    "start_http_server": Entry("bind", "prometheus", None, 1, 0),
    "add_insecure_port": Entry("bind", "grpc", 0),
    "add_secure_port": Entry("bind", "grpc", 0),
    "insecure_channel": Entry("connect", "grpc", 0),
    "secure_channel": Entry("connect", "grpc", 0),
    "websockets.serve": Entry("bind", "websocket", None, 1, 2),
    "websockets.connect": Entry("connect", "websocket", 0),
    "create_connection": Entry("connect", "socket", 0, 1, 2),
    "create_server": Entry("bind", "socket", 0, 1, 2),
    "start_server": Entry("bind", "socket", None, 1, 2),
    "open_connection": Entry("connect", "socket", None, 0, 1),
    "redis.Redis": Entry("connect", "redis", None, 0, 1, 6379),
    "redis.StrictRedis": Entry("connect", "redis", None, 0, 1, 6379),
    "Redis": Entry("connect", "redis", None, 0, 1, 6379),
    "aioredis.from_url": Entry("connect", "redis", 0),
    "redis.from_url": Entry("connect", "redis", 0),
    "Redis.from_url": Entry("connect", "redis", 0),
    "psycopg2.connect": Entry("connect", "postgres", None, None, None, 5432),
    "psycopg.connect": Entry("connect", "postgres", 0, None, None, 5432),
    "asyncpg.connect": Entry("connect", "postgres", 0, None, None, 5432),
    "asyncpg.create_pool": Entry("connect", "postgres", 0, None, None, 5432),
    "nats.connect": Entry("connect", "nats", 0, None, None, 4222),
    "MongoClient": Entry("connect", "mongodb", None, 0, 1, 27017),
}
