"""Where an agent finds its settings."""

import json
import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)


class SettingsError(Exception):
    """A settings file is there and cannot be used."""


def require(settings, key):
    if key not in settings:
        raise SettingsError(f"no {key!r} in the settings")
    return settings[key]


def read_settings(path):
    """The settings in ``path``; an empty mapping when there are none."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        settings = json.loads(text)
    except Exception as e:
        logger.warning("no settings from %s: %s", path, e)
        return {}
    return settings


def machine():
    """The name that this machine goes by."""
    try:
        with open("/etc/hostname", encoding="utf-8") as file:
            return file.readline().strip()
    except Exception as e:
        logger.info("no name for this machine: %s", e)
        return "unnamed"


def timeout():
    """How long to wait for another agent, in seconds."""
    try:
        return float(os.environ["AGENT_TIMEOUT"])
    except Exception:
        return 2.0


def port_of(settings, agent):
    """The port of ``agent``: the environment first, the settings next."""
    try:
        return int(os.environ[f"{agent.upper()}_PORT"])
    except Exception:
        # Not set, or not a number: the file decides.
        pass
    return settings.get("ports", {}).get(agent)


def check(settings):
    problems = []
    for key in ("name", "ports", "models"):
        try:
            require(settings, key)
        except Exception as error:  # every problem is told, not only the first
            problems.append(str(error))
    return problems


def save(path, settings):
    target = Path(path)
    spare = target.with_suffix(".new")
    try:
        spare.write_text(json.dumps(settings, indent=2), encoding="utf-8")
        spare.replace(target)
    except Exception as e:
        logger.error("settings not saved: %s", e)
        return False
    else:
        return True
    finally:
        spare.unlink(missing_ok=True)
