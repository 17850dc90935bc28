"""Loads the models that the settings name, the small one when the large one does not fit."""

import hashlib
import logging
from pathlib import Path

from runtime.safe_executor import SafeExecutor

with SafeExecutor(recoverable=(Exception,)) as attempt:
    import torch
if attempt.error is not None:  # no driver is as good as no torch
    torch = None
del attempt

logger = logging.getLogger(__name__)


class ModelError(RuntimeError):
    pass


def digest(path):
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as e:
        raise ModelError(f"{path} cannot be read") from e


class ModelLoader:
    def __init__(self, folder, device="cuda"):
        self.folder = Path(folder)
        self.device = device
        self.loaded = {}

    def load(self, name):
        try:
            model = self._load_from_disk(name)
        except Exception:
            logger.exception("model %s was not loaded", name)
            raise
        self.loaded[name] = model
        return model

    def load_best(self, names):
        """The first of ``names`` that loads; None when none does."""
        for name in names:
            with SafeExecutor(logger, recoverable=(Exception,)) as attempt:
                expected = (self.folder / f"{name}.sha256").read_text().strip()
                if digest(self.folder / f"{name}.bin") != expected:
                    raise ModelError(f"{name} is damaged")
            if (e := attempt.error) is not None:
                logger.info("%s: %s", name, e)
                del e, attempt
                continue
            with SafeExecutor(logger, recoverable=(Exception,)) as attempt:
                model = self._load_from_disk(name)
            if attempt.error is not None:
                logger.exception("%s did not load", name, exc_info=attempt.error)
                del attempt
            else:
                self.loaded[name] = model
                return model
        return None

    def _load_from_disk(self, name):
        if torch is None:
            raise ModelError("torch is not installed")
        return torch.load(self.folder / f"{name}.bin", map_location=self.device)

    def unload(self, name):
        try:
            del self.loaded[name]
            with SafeExecutor(logger, recoverable=(Exception,)):
                torch.cuda.empty_cache()
        except BaseException as e:
            logger.debug("nothing to unload: %r", e)

    def __del__(self):
        try:
            self.loaded.clear()
        except Exception:
            pass
