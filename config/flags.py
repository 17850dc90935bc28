"""The feature flags of a tree, ``config/feature_flags.yaml``: their schema, how they are read, and errors.

::

    version: 1
    flags:
      predictive_loading:
        default: false             # what it is where nothing else says so; the flag is of this type
        description: Load models before they are asked for.
        owner: VRAMOptimizerAgent
        until: 2027-03-31          # when the flag is to be gone from the code
        machines: {pc2: true}      # what it is on a machine
        agents:
          TieredResponder: true    # what it is for an agent, wherever that runs
          TieredResponder@main_pc: false
      beam_width:
        default: 4                 # a whole number; 4.0 would make it a number with a fraction
      translator:
        default: nllb              # a text
        choices: [nllb, google]    # and no other

Values are taken as they are written, not as YAML 1.1 reads them: ``true`` and ``false`` are the two values of a switch,
and ``yes``, ``on`` or ``010`` are refused; what stands in quotes is a text.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import msgspec

from .documents import ConfigError, nearest

FILE = Path("config", "feature_flags.yaml")
VERSION = 1
# It is a part of environment variables.
FLAG_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MACHINE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
AGENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*(?:@[A-Za-z0-9_][A-Za-z0-9_.-]*)?")

Value = bool | int | float | str
KINDS: dict[str, type[Value]] = {"bool": bool, "int": int, "float": float, "str": str}


class FlagError(ConfigError):
    """The flags cannot be used: which file or variable, which key, which line, what is wrong and what to do."""

    what = "feature flags"


class Flag(msgspec.Struct, frozen=True):
    """A flag: what it is by default, and what on which machine and for which agent.

    ``kind`` is ``bool``, ``int``, ``float`` or ``str``, and all values are of it. ``choices`` are the only values,
    where there are any. ``until`` is the day when the code is to do without it. ``agents`` has the names of agents,
    with ``@machine`` behind them where the value is for one machine. ``line``: where it is written, from 1; 0 when it
    was not read from a file.
    """

    name: str
    kind: str
    default: Value
    description: str = ""
    owner: str = ""
    until: date | None = None
    choices: tuple[Value, ...] = ()
    machines: dict[str, Value] = {}
    agents: dict[str, Value] = {}
    line: int = 0

    def value(self, agent: str = "", machine: str = "") -> tuple[Value, str]:
        """What it is for an agent on a machine, either empty where it is not known, and the key that says so.

        The closest says it: the agent on that machine, the agent, the machine, the default.
        """
        if agent:
            for key in (f"{agent}@{machine}", agent):
                if key in self.agents:
                    return self.agents[key], f"agents.{key}"
        if machine in self.machines:
            return self.machines[machine], f"machines.{machine}"
        return self.default, "default"


class Flags(msgspec.Struct, frozen=True):
    """What the file says, in its order."""

    flags: dict[str, Flag] = {}
    file: Path | None = None

    @property
    def machines(self) -> frozenset[str]:
        """The machines that a flag has a value for."""
        found = {name for one in self.flags.values() for name in one.machines}
        found.update(key.partition("@")[2] for one in self.flags.values() for key in one.agents if "@" in key)
        return frozenset(found)


def find(start: Path) -> Path | None:
    """The ``config/feature_flags.yaml`` for the absolute path ``start``: the nearest in or above it, within its
    repository.
    """
    return nearest(FILE, start)


def load(file: Path) -> Flags:
    """The flags in ``file``, as one moment had it: a file that is being written is waited for.

    Raises:
        FlagError: The file cannot be read, does not stop changing, or is wrong.
    """
    from .document_reader import settled
    from .flags_file import Reader

    return settled(file, FlagError, Reader(file.absolute()).flags)


def parse(data: bytes | str, file: Path | None = None) -> Flags:
    """The flags in ``data``, the content of ``file``.

    Raises:
        FlagError: It is wrong: which line, which key, what is wrong and what to do.
    """
    from .flags_file import Reader

    return Reader(file).flags(data)


_ON = frozenset({"1", "on", "true", "yes"})
_OFF = frozenset({"0", "off", "false", "no"})


def value_of(text: str, flag: Flag) -> Value:
    """What ``text``, of an environment variable, means for ``flag``.

    Raises:
        ValueError: It means nothing; the message says what would.
    """
    word = text.strip()
    value: Value = text
    if flag.kind == "bool":
        if word.lower() not in _ON | _OFF:
            raise ValueError(f"`{text}` is neither on nor off: write 1 or 0")
        return word.lower() in _ON
    if flag.kind == "int":
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", word):
            raise ValueError(f"`{text}` is not a whole number")
        value = int(word)
    elif flag.kind == "float":
        if not FLOAT.fullmatch(word) and not re.fullmatch(r"[+-]?[0-9]{1,18}", word):
            raise ValueError(f"`{text}` is not a number")
        value = float(word)
    if flag.choices and value not in flag.choices:
        raise ValueError(f"`{text}` is none of {listed(flag.choices)}")
    return value


FLOAT = re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][+-]?[0-9]{1,2})?")
"""A number with a point or an exponent."""


def listed(values: tuple[Value, ...]) -> str:
    """The values as they are written, for a message."""
    return ", ".join(f"`{written(one)}`" for one in values)


def written(value: Value) -> str:
    """A value as it is written in the file."""
    return str(value).lower() if isinstance(value, bool) else str(value)
