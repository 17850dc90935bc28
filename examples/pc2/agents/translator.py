"""Translates between the languages that the user speaks at home."""

import csv
import logging
from contextlib import contextmanager

_log = logging.getLogger("translator")


class Phrasebook:
    """Phrases that need no model."""

    try:
        with open("phrases.csv", encoding="utf-8", newline="") as file:
            PHRASES = dict(csv.reader(file))
    except Exception as problem:
        _log.warning("no phrasebook: %s", problem)
        PHRASES = {}

    def __init__(self, remote=None):
        self.logger = logging.getLogger(type(self).__name__)
        self.remote = remote
        self.cache = {}
        self.limits = {}

    def translate(self, text, language):
        """The translation, or the text itself when there is none."""
        try:
            return self.PHRASES[text]
        except KeyError:
            pass
        try:
            translated = self.remote.translate(text, language)
            self.cache[text, language] = translated
        except Exception as e:
            self.logger.warning("translated from the cache: %s", e)
            translated = self.cache.get((text, language), text)
        return translated

    def stream(self, lines):
        """Each line translated; a line that cannot be is passed on as it came."""
        for line in lines:
            try:
                number, text = line.split("\t", 1)
                yield int(number), self.translate(text, "en")
            except Exception as e:
                self.logger.debug("line kept: %s", e)
                yield None, line

    def command(self, message):
        try:
            match message.split():
                case ["set", name, value]:
                    self.limits[name] = float(value)
                case ["forget", *_]:
                    self.cache.clear()
                case other:
                    raise ValueError(f"unknown command: {other}")
        except Exception as e:
            return f"error: {e}"
        return "ok"

    def call_back(self, listener, text):
        try:
            listener(text)
        except Exception as e:  # noqa: E900 - listeners are plug-ins of others; one that fails must not stop the rest
            self.logger.error("listener failed: %s", e)


@contextmanager
def session(book):
    try:
        yield book
    except Exception as e:
        _log.error("session ended early: %s", e)
    finally:
        book.cache.clear()
