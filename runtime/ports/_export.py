"""The ports in force, in the form that other programs read: ``.env``, compose, Kubernetes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._lookup import Effective

OWN = "UNSNARL_PORT_{name}"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONFIG_MAP = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def environment(ports: Sequence[Effective], template: str) -> str:
    """Lines of a ``.env`` file, each below its owner and purpose. Raises ValueError as `variables` does."""
    values = variables(ports, template)
    told: dict[str, str] = {}
    for one in ports:
        told.setdefault(_variable(one, template), ": ".join(filter(None, (one.entry.owner, one.entry.purpose))))
    return "".join(
        f"# {told[key]}\n{key}={value}\n" if told[key] else f"{key}={value}\n" for key, value in values.items()
    )


def compose(ports: Sequence[Effective], template: str, host: str) -> str:
    """A file to name beside a compose file: one service for each owner, with its ports published on ``host``.

    Every service has all variables, since it may connect to any other. Raises ValueError as `variables` does.
    """
    values = variables(ports, template)
    services: dict[str, Any] = {}
    taken: dict[int, Effective] = {}
    for one in ports:
        other = taken.setdefault(one.number, one)
        if other is not one:
            machines = f"`{other.entry.machine}` and `{one.entry.machine}`"
            raise ValueError(f"port {one.number} is one of {machines}, and compose runs on one machine: choose it")
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", one.entry.owner).strip("-") or one.entry.name.lower()
        service = services.setdefault(name, {"environment": values, "ports": []})
        address = f"[{host}]" if ":" in host else host
        service["ports"].append(f"{address}:{one.number}:{one.number}")
    return _yaml({"services": services})


def config_map(ports: Sequence[Effective], template: str, name: str) -> str:
    """A Kubernetes ConfigMap of that name, to be used with ``envFrom``. Raises ValueError as `variables` does."""
    if not _CONFIG_MAP.fullmatch(name):
        raise ValueError(f"`{name}` cannot be the name of a ConfigMap: lower-case letters, digits, `-` and `.` can")
    values = variables(ports, template)
    return _yaml({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": values})


def variables(ports: Sequence[Effective], template: str) -> dict[str, str]:
    """Variable to value, where ``template`` tells the variable of a ``{name}``.

    Raises:
        ValueError: The template makes no variable, or one of two names; or several machines have a name, and the
            variable is not one of ours, which can hold the ports of all.
    """
    values: dict[str, str] = {}
    names: dict[str, str] = {}
    for one in ports:
        key, name = _variable(one, template), one.entry.name
        if not _VARIABLE.fullmatch(key):
            raise ValueError(f"`{key}` is not a variable: write one with {{name}} in it, as in `{{name}}_PORT`")
        value = str(one.number)
        every = one.view.names[name]
        if template == OWN and len(every) > 1:
            value = ",".join(f"{machine}:{other.number}" for machine, other in every.items())
        other_name = names.setdefault(key, name)
        if other_name != name:
            raise ValueError(f"`{key}` would be the variable of `{other_name}` and `{name}`: write {{name}} in it")
        if values.setdefault(key, value) != value:
            raise ValueError(f"`{name}` is on machines {', '.join(f'`{one}`' for one in every)}: choose one of them")
    return values


def _variable(port: Effective, template: str) -> str:
    return template.replace("{name}", port.entry.name)


def _yaml(document: dict[str, Any]) -> str:
    import yaml

    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=float("inf")))
