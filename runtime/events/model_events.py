"""Events and requests about models and the memory of the graphics card.

They stand between what loads models and what watches over the memory (``model_manager_agent`` and
``vram_optimizer_agent`` in the playbook), so that neither has to import or to call the other.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ._event import Event, Request

Pressure = Literal["normal", "high", "critical"]


class ModelLoaded(Event, frozen=True):
    """A model can be used.

    Attributes:
        model: Its name.
        device: Where it is, as in ``cuda:0``.
        vram_mb: Memory that it takes there, in MB.
        quantization: How it was made smaller, as in ``int8``; empty when it was not.
        seconds: How long loading took.
    """

    TOPIC: ClassVar[str] = "model.loaded"

    model: str
    device: str = ""
    vram_mb: float = 0.0
    quantization: str = ""
    seconds: float = 0.0


class ModelUnloaded(Event, frozen=True):
    """A model has given its memory back.

    Attributes:
        model: Its name.
        device: Where it was.
        vram_mb: Memory that is free now, in MB.
        reason: Why, as in ``idle``.
    """

    TOPIC: ClassVar[str] = "model.unloaded"

    model: str
    device: str = ""
    vram_mb: float = 0.0
    reason: str = ""


class ModelLoadFailed(Event, frozen=True):
    """A model could not be loaded.

    Attributes:
        model: Its name.
        error: Why, for people.
        error_type: Name of the type of the error.
        device: Where it should have been.
    """

    TOPIC: ClassVar[str] = "model.load_failed"

    model: str
    error: str
    error_type: str = ""
    device: str = ""


class ModelUsed(Event, frozen=True):
    """A model has done some work, and is not idle.

    Attributes:
        model: Its name.
        task: What for.
    """

    TOPIC: ClassVar[str] = "model.used"

    model: str
    task: str = ""


class VramReported(Event, frozen=True):
    """How much memory of a graphics card is in use.

    Attributes:
        device: Which card, as in ``cuda:0``.
        used_mb: In use, in MB.
        total_mb: There is, in MB.
        machine: Which machine it is in.
    """

    TOPIC: ClassVar[str] = "vram.reported"

    device: str
    used_mb: float
    total_mb: float
    machine: str = ""


class VramPressureChanged(Event, frozen=True):
    """The memory of a graphics card has become scarce, or is not any more.

    Attributes:
        device: Which card.
        pressure: How scarce.
        used_mb: In use, in MB.
        total_mb: There is, in MB.
    """

    TOPIC: ClassVar[str] = "vram.pressure_changed"

    device: str
    pressure: Pressure
    used_mb: float = 0.0
    total_mb: float = 0.0


class LoadModel(Request[bool], frozen=True):
    """Load a model, and tell whether it can be used.

    Attributes:
        model: Its name.
        device: Where to; empty: wherever there is room.
        quantization: How to make it smaller.
    """

    TOPIC: ClassVar[str] = "model.load"

    model: str
    device: str = ""
    quantization: str = ""


class UnloadModel(Request[bool], frozen=True):
    """Unload a model, and tell whether it was loaded.

    Attributes:
        model: Its name.
        reason: Why.
    """

    TOPIC: ClassVar[str] = "model.unload"

    model: str
    reason: str = ""


class ListLoadedModels(Request[list[ModelLoaded]], frozen=True):
    """Which models are loaded.

    Attributes:
        device: Where; empty: anywhere.
    """

    TOPIC: ClassVar[str] = "model.list_loaded"

    device: str = ""


class CanLoadModel(Request[bool], frozen=True):
    """Whether there is room for a model.

    Attributes:
        model: Its name.
        vram_mb: Memory that it needs, in MB; 0 when that is to be looked up.
        device: Where; empty: anywhere.
    """

    TOPIC: ClassVar[str] = "vram.can_load"

    model: str
    vram_mb: float = 0.0
    device: str = ""


class GetVramUsage(Request[list[VramReported]], frozen=True):
    """How much memory is in use, for each graphics card."""

    TOPIC: ClassVar[str] = "vram.usage"


class GetModelStats(Request[dict[str, Any]], frozen=True):
    """What the one who watches over the memory knows of the models: by name, in its own words.

    Attributes:
        model: Of which; empty: of all.
    """

    TOPIC: ClassVar[str] = "model.stats"

    model: str = ""
