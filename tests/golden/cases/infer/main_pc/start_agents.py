#!/usr/bin/env python3
"""Starts every agent of this machine and waits until they stop."""

import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "agents"))

from common.settings import read_settings  # noqa: E402
from runtime.safe_executor import SafeExecutor  # noqa: E402

AGENTS = ["agents/intent_router.py", "agents/speech_queue.py"]


def start(path):
    with SafeExecutor(recoverable=(Exception,)) as attempt:
        return subprocess.Popen([sys.executable, os.path.join(HERE, path)])
    if (e := attempt.error) is not None:
        print(f"{path} did not start: {e}", file=sys.stderr)
        del e, attempt


def stop(process):
    try:
        process.terminate()
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
    except:
        print("could not stop", process.pid)


def main():
    settings = read_settings(os.path.join(HERE, "settings.json"))
    processes = [process for path in AGENTS if (process := start(path))]
    try:
        while any(process.poll() is None for process in processes):
            time.sleep(settings.get("poll", 0.5))
    except KeyboardInterrupt:
        pass
    finally:
        for process in processes:
            stop(process)


if __name__ == "__main__":
    with SafeExecutor(recoverable=(Exception,)) as attempt: main()
    if attempt.error is not None: e = attempt.error; print(e); sys.exit(1)
    del attempt
