"""Speaks one sentence after the other; a newer one may cut an older one short."""

import asyncio
import contextlib
import logging

from runtime.safe_executor import SafeExecutor

log = logging.getLogger(__name__)


class SpeechQueue:
    def __init__(self, speak):
        self._speak = speak
        self._waiting = asyncio.Queue(maxsize=20)
        self._current = None

    async def say(self, text):
        with SafeExecutor(log, recoverable=(Exception,)) as attempt:
            self._waiting.put_nowait(text)
        if (e := attempt.error) is not None:
            log.warning("sentence dropped (%s): %.40s", type(e).__name__, text)
            del e, attempt
            return False
        return True

    async def run(self):
        while True:
            text = await self._waiting.get()
            try:
                with SafeExecutor(log, recoverable=(Exception,)) as attempt:
                    self._current = asyncio.ensure_future(self._speak(text))
                    await asyncio.wait_for(self._current, timeout=30)
            except asyncio.CancelledError:
                raise
            else:
                if (e := attempt.error) is not None:
                    log.error("could not say %r: %s", text, e)
                    del e, attempt
                    continue
            finally:
                self._waiting.task_done()

    async def sentences(self, source):
        """The sentences of an async stream, with the broken ones left out."""
        async for chunk in source:
            with SafeExecutor(log, recoverable=(Exception,)) as attempt:
                text = chunk.decode("utf-8")
            if attempt.error is not None:
                log.debug("not UTF-8: %r", chunk[:20])
                del attempt
                continue
            yield text

    async def speak_all(self, texts):
        failed = 0
        try:
            async with asyncio.TaskGroup() as group:
                for text in texts:
                    group.create_task(self._speak(text))
        except* OSError as several:
            failed = len(several.exceptions)
        except* Exception as others:
            failed += len(others.exceptions)
        return failed

    async def stop(self):
        if self._current is not None:
            self._current.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._current
