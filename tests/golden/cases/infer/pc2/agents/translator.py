"""Translates between the languages that the user speaks at home."""

import csv
import logging
from contextlib import contextmanager

from runtime.safe_executor import SafeExecutor

_log = logging.getLogger("translator")


class Phrasebook:
    """Phrases that need no model."""

    with SafeExecutor(_log, recoverable=(Exception,)) as attempt:
        with open("phrases.csv", encoding="utf-8", newline="") as file:
            PHRASES = dict(csv.reader(file))
    if attempt.error is not None:
        problem = attempt.error
        _log.warning("no phrasebook: %s", problem)
        PHRASES = {}
        del problem
    del attempt

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
        with SafeExecutor(self.logger, recoverable=(Exception,)) as attempt:
            translated = self.remote.translate(text, language)
            self.cache[text, language] = translated
        if (e := attempt.error) is not None:
            self.logger.warning("translated from the cache: %s", e)
            translated = self.cache.get((text, language), text)
            del e, attempt
        return translated

    def stream(self, lines):
        """Each line translated; a line that cannot be is passed on as it came."""
        for line in lines:
            with SafeExecutor(self.logger, recoverable=(Exception,)) as attempt:
                number, text = line.split("\t", 1)
                yield int(number), self.translate(text, "en")
            if (e := attempt.error) is not None:
                self.logger.debug("line kept: %s", e)
                yield None, line
                del e, attempt

    def command(self, message):
        with SafeExecutor(_log, recoverable=(Exception,)) as attempt:
            match message.split():
                case ["set", name, value]:
                    self.limits[name] = float(value)
                case ["forget", *_]:
                    self.cache.clear()
                case other:
                    raise ValueError(f"unknown command: {other}")
        if (e := attempt.error) is not None:
            outcome = f"error: {e}"
            del e, attempt
            return outcome
        return "ok"

    def call_back(self, listener, text):
        try:
            listener(text)
        except Exception as e:  # noqa: E900 - listeners are plug-ins of others; one that fails must not stop the rest
            self.logger.error("listener failed: %s", e)


@contextmanager
def session(book):
    try:
        with SafeExecutor(_log, recoverable=(Exception,)) as attempt:
            yield book
        if (e := attempt.error) is not None:
            _log.error("session ended early: %s", e)
            del e, attempt
    finally:
        book.cache.clear()
