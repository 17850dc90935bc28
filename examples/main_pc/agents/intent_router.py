"""Answers "what does the user want?" for the other agents, over one REP socket."""

import json
import logging
import time

import zmq

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
        try:
            message = self.socket.recv_json(flags=zmq.NOBLOCK)
        except zmq.Again:
            return None
        except Exception as e:
            logger.warning("request dropped: %s", e)
            self.failures += 1
            return None
        return message

    def classify(self, request):
        try:
            words = request["text"].lower().split()
            for word in words:
                if word in INTENTS:
                    return {"intent": INTENTS[word], "confidence": 0.9}
            return {"intent": "chat", "confidence": 0.4}
        except (KeyError, AttributeError):
            return {"error": "a request needs a text"}
        except Exception as e:
            return {"error": str(e)}

    def run(self):
        self.bind()
        try:
            while self.running:
                try:
                    request = self.receive()
                    if request is None:
                        time.sleep(0.01)
                        continue
                    reply = self.classify(request)
                    self.socket.send_string(json.dumps(reply))
                except Exception as e:
                    logger.error("loop: %s", e)
                    self.failures += 1
                    if self.failures > 100:
                        break
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
    try:
        return json.loads(line)
    except Exception:
        speaker, _, text = line.partition(":")
        return {"speaker": speaker.strip(), "text": text.strip()}
