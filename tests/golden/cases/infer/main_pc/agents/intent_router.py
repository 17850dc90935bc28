"""Answers "what does the user want?" for the other agents, over one REP socket."""

import json
import logging
import time

import zmq
from runtime.safe_executor import SafeExecutor

logger = logging.getLogger("intent_router")

INTENTS = {"play": "media", "stop": "media", "weather": "facts", "remind": "calendar"}


class IntentRouter:
    def __init__(self, port=5610, timeout=1.5):
        self.port = port
        self.timeout = timeout
        self.running = True
        self.failures = 0
        self.socket = zmq.Context.instance().socket(zmq.REP)

    def bind(self):
        self.socket.setsockopt(zmq.LINGER, 0)
        try:
            self.socket.bind(f"tcp://127.0.0.1:{self.port}")
        except zmq.ZMQError as e:
            raise RuntimeError(f"port {self.port} is taken") from e

    def receive(self):
        """The next request, or None when nothing usable came."""
        with SafeExecutor(logger, recoverable=(Exception,)) as attempt:
            message = self.socket.recv_json(flags=zmq.NOBLOCK)
        if isinstance(attempt.error, zmq.Again):
            del attempt
            return None
        elif (e := attempt.error) is not None:
            logger.warning("request dropped: %s", e)
            self.failures += 1
            del e, attempt
            return None
        return message

    def classify(self, request):
        with SafeExecutor(logger, recoverable=(Exception,)) as attempt:
            words = request["text"].lower().split()
            for word in words:
                if word in INTENTS:
                    return {"intent": INTENTS[word], "confidence": 0.9}
            return {"intent": "chat", "confidence": 0.4}
        if isinstance(attempt.error, (KeyError, AttributeError)):
            del attempt
            return {"error": "a request needs a text"}
        elif (e := attempt.error) is not None:
            outcome = {"error": str(e)}
            del e, attempt
            return outcome

    def run(self):
        self.bind()
        try:
            while self.running:
                with SafeExecutor(logger, recoverable=(Exception,)) as attempt:
                    request = self.receive()
                    if request is None:
                        time.sleep(0.01)
                        continue
                    reply = self.classify(request)
                    self.socket.send_string(json.dumps(reply))
                if (e := attempt.error) is not None:
                    logger.error("loop: %s", e)
                    self.failures += 1
                    if self.failures > 100:
                        del e, attempt
                        break
                    del e, attempt
                    continue
                else:
                    self.failures = 0
        finally:
            self.close()

    def close(self):
        try:
            self.socket.close(linger=0)
        except:
            pass


def parse_line(line):
    """One line of a transcript: `speaker: text`, or JSON."""
    with SafeExecutor(logger, recoverable=(RecursionError, TypeError, ValueError)) as attempt:
        return json.loads(line)
    if attempt.error is not None:
        speaker, _, text = line.partition(":")
        del attempt
        return {"speaker": speaker.strip(), "text": text.strip()}
