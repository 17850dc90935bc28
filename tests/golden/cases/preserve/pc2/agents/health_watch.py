"""Looks after the agents of both machines and keeps what it sees in a small database."""

import json
import logging
import socket
import sqlite3
import subprocess
import sys
import time

from runtime.safe_executor import SafeExecutor

logger = logging.getLogger(__name__)


class HealthWatch:
    def __init__(self, database="health.db"):
        self.database = database
        self.stop = False

    def record(self, agent, state):
        connection = sqlite3.connect(self.database)
        try:
            with SafeExecutor(logger, recoverable=(Exception,)) as attempt:
                with connection:
                    connection.execute("INSERT INTO health VALUES (?, ?, ?)", (time.time(), agent, state))
            if (e := attempt.error) is not None:
                logger.error("%s is %s, which could not be kept: %s", agent, state, e)
                del e, attempt
        finally:
            connection.close()

    def alive(self, host, port):
        with SafeExecutor(logger, recoverable=(Exception,)) as attempt:
            with socket.create_connection((host, port), timeout=1.0) as connection:
                connection.sendall(b'{"action": "ping"}\n')
                reply = json.loads(connection.recv(1024))
        if (e := attempt.error) is not None:
            logger.debug("%s:%s: %s", host, port, e)
            del e, attempt
            return False
        return reply.get("status") == "ok"

    def temperature(self):
        """Degrees Celsius, or None."""
        with SafeExecutor(logger, recoverable=(Exception,)) as attempt:
            output = subprocess.run(["sensors", "-j"], capture_output=True, check=True, timeout=5).stdout
            return float(json.loads(output)["cpu"]["temp"])
        if attempt.error is not None:
            del attempt
            return None

    def watch(self, agents):
        while not self.stop:
            for name, (host, port) in agents.items():
                with SafeExecutor(logger, recoverable=(Exception,)):
                    self.record(name, "up" if self.alive(host, port) else "down")
            try:
                time.sleep(5)
            except (KeyboardInterrupt, SystemExit):
                raise
            except:
                sys.exit(1)
