"""Loads the models that the settings name, the small one when the large one does not fit."""

import hashlib
import logging
from pathlib import Path

try:
    import torch
except Exception:  # no driver is as good as no torch
    torch = None

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
            try:
                expected = (self.folder / f"{name}.sha256").read_text().strip()
                if digest(self.folder / f"{name}.bin") != expected:
                    raise ModelError(f"{name} is damaged")
            except Exception as e:
                logger.info("%s: %s", name, e)
                continue
            try:
                model = self._load_from_disk(name)
            except Exception:
                logger.exception("%s did not load", name)
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
            try:
                torch.cuda.empty_cache()
            except Exception:
                pass
        except BaseException as e:
            logger.debug("nothing to unload: %r", e)

    def __del__(self):
        try:
            self.loaded.clear()
        except Exception:
            pass
