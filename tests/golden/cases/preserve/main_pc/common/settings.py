"""Where an agent finds its settings."""

import json
import logging
import os
from pathlib import Path

from runtime.safe_executor import SafeExecutor

logger = logging.getLogger(__name__)


class SettingsError(Exception):
    """A settings file is there and cannot be used."""


def require(settings, key):
    if key not in settings:
        raise SettingsError(f"no {key!r} in the settings")
    return settings[key]


def read_settings(path):
    """The settings in ``path``; an empty mapping when there are none."""
    with SafeExecutor(logger, recoverable=(Exception,)) as attempt:
        text = Path(path).read_text(encoding="utf-8")
        settings = json.loads(text)
    if (e := attempt.error) is not None:
        logger.warning("no settings from %s: %s", path, e)
        del e, attempt
        return {}
    return settings


def machine():
    """The name that this machine goes by."""
    with SafeExecutor(logger, recoverable=(Exception,)) as attempt:
        with open("/etc/hostname", encoding="utf-8") as file:
            return file.readline().strip()
    if (e := attempt.error) is not None:
        logger.info("no name for this machine: %s", e)
        del e, attempt
        return "unnamed"


def timeout():
    """How long to wait for another agent, in seconds."""
    with SafeExecutor(logger, recoverable=(Exception,)) as attempt:
        return float(os.environ["AGENT_TIMEOUT"])
    if attempt.error is not None:
        del attempt
        return 2.0


def port_of(settings, agent):
    """The port of ``agent``: the environment first, the settings next."""
    with SafeExecutor(logger, recoverable=(Exception,)):
        return int(os.environ[f"{agent.upper()}_PORT"])
    # Not set, or not a number: the file decides.
    return settings.get("ports", {}).get(agent)


def check(settings):
    problems = []
    for key in ("name", "ports", "models"):
        with SafeExecutor(logger, recoverable=(Exception,)) as attempt:
            require(settings, key)
        if (error := attempt.error) is not None:  # every problem is told, not only the first
            problems.append(str(error))
            del error, attempt
    return problems


def save(path, settings):
    target = Path(path)
    spare = target.with_suffix(".new")
    try:
        with SafeExecutor(logger, recoverable=(Exception,)) as attempt:
            spare.write_text(json.dumps(settings, indent=2), encoding="utf-8")
            spare.replace(target)
        if (e := attempt.error) is not None:
            logger.error("settings not saved: %s", e)
            del e, attempt
            return False
        else:
            return True
    finally:
        spare.unlink(missing_ok=True)
