"""Where a camera's turning, or what it offers beyond its streams, does not do what its protocol promises."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ..core.contracts import Camera, Ptz
from ..core.device_contracts import (
    EditsPresets,
    GoesHome,
    GoesToPosition,
    HasClock,
    KnowsPosition,
    PtzPosition,
    TakesSnapshots,
)
from ..core.errors import NotSupported
from ..core.outputs import HasOutputs, Outputs
from .camera_stage import Answer, CameraStage

_UNKNOWN = "tidak-ada-preset-ini"
_NEW = "uji-siaga"
_LARGEST_JPEG = 8_000_000
_MOST_PRESETS = 5


async def turning_faults(stage: CameraStage, ptz: Ptz) -> list[str]:
    """Return what is wrong with a camera's turning; it turns the camera."""
    return [fault async for fault in _turning(stage, ptz)]


async def ability_faults(stage: CameraStage, camera: Camera) -> list[str]:
    """Return what is wrong with a snapshot, a clock, outputs, a position; nothing of what is not offered."""
    return [fault async for fault in _abilities(stage, camera)]


async def _turning(stage: CameraStage, ptz: Ptz) -> AsyncIterator[str]:
    names = stage.must(await stage.ask("ptz.presets", ptz.presets))
    if not isinstance(names, tuple) or not all(isinstance(name, str) and name for name in names):
        yield f"ptz.presets returned {names!r}; return a tuple of names"
        return
    if len(set(names)) < len(names):
        yield f"ptz.presets names one twice: {names!r}"
    for name in names[:_MOST_PRESETS]:
        stage.must(await stage.ask(f"ptz.goto({name!r})", lambda name=name: ptz.goto(name)))  # type: ignore[misc]
    unknown = await stage.ask(f"ptz.goto({_UNKNOWN!r})", lambda: ptz.goto(_UNKNOWN))
    for fault in _unknown_faults(unknown, names):
        yield fault
    for move in ((0.5, -0.5, 0.0, 0.2), (-1.0, 1.0, 1.0, 0.0)):
        stage.must(await stage.ask(f"ptz.move{move}", lambda move=move: ptz.move(*move)))  # type: ignore[misc]
    stage.must(await stage.ask("ptz.stop", ptz.stop))
    if isinstance(ptz, EditsPresets):
        async for fault in _editing(stage, ptz):
            yield fault
    async for fault in _positions(stage, ptz):
        yield fault


async def _positions(stage: CameraStage, ptz: Ptz) -> AsyncIterator[str]:
    if isinstance(ptz, KnowsPosition):
        where = await stage.ask("ptz.position", ptz.position)
        if where.error is None and not _is_position(where.value):
            yield f"ptz.position returned {where.value!r}; a PtzPosition (-1..1, -1..1, 0..1) is promised"
    if isinstance(ptz, GoesToPosition):
        _may_lack(stage, await stage.ask("ptz.go_to", lambda: ptz.go_to(0.1, 0.1, 0.1)))
        _may_lack(stage, await stage.ask("ptz.shift", lambda: ptz.shift(-0.1, 0.0, 0.0)))
    if isinstance(ptz, GoesHome):
        _may_lack(stage, await stage.ask("ptz.home", ptz.home))


def _unknown_faults(answer: Answer, names: tuple[str, ...]) -> list[str]:
    if not isinstance(answer.error, NotSupported):
        raised = repr(answer.error) if answer.error else "nothing"
        return [f"{answer.call} raised {raised}; an unknown preset is NotSupported"]
    if names and not any(name in str(answer.error) for name in names):
        return [f"{answer.call} says {str(answer.error)!r}; it should name those that exist ({', '.join(names[:3])})"]
    return []


def _may_lack(stage: CameraStage, answer: Answer) -> None:
    if not isinstance(answer.error, NotSupported):
        stage.must(answer)


def _is_position(value: object) -> bool:
    if not isinstance(value, PtzPosition):
        return False
    return -1 <= value.pan <= 1 and -1 <= value.tilt <= 1 and 0 <= value.zoom <= 1


async def _editing(stage: CameraStage, ptz: Ptz) -> AsyncIterator[str]:
    assert isinstance(ptz, EditsPresets)
    made = await stage.ask("ptz.set_preset", lambda: ptz.set_preset(_NEW))
    if isinstance(made.error, NotSupported):
        return
    stage.must(made)
    if _NEW not in _names(stage, await stage.ask("ptz.presets", ptz.presets)):
        yield "ptz.set_preset succeeded, and ptz.presets does not name the new preset"
    stage.must(await stage.ask("ptz.remove_preset", lambda: ptz.remove_preset(_NEW)))
    if _NEW in _names(stage, await stage.ask("ptz.presets", ptz.presets)):
        yield "ptz.remove_preset succeeded, and ptz.presets still names the preset"
    gone = await stage.ask("ptz.remove_preset", lambda: ptz.remove_preset(_UNKNOWN))
    if not isinstance(gone.error, NotSupported):
        yield "ptz.remove_preset of an unknown preset is NotSupported"


def _names(stage: CameraStage, answer: Answer) -> tuple[object, ...]:
    value = stage.must(answer)
    return value if isinstance(value, tuple) else ()


async def _abilities(stage: CameraStage, camera: Camera) -> AsyncIterator[str]:
    if isinstance(camera, TakesSnapshots):
        answer = await stage.ask("snapshot", camera.snapshot)
        _may_lack(stage, answer)
        picture = answer.value
        is_jpeg = isinstance(picture, bytes) and picture[:2] == b"\xff\xd8" and len(picture) <= _LARGEST_JPEG
        if answer.error is None and not is_jpeg:
            yield f"snapshot returned {str(picture)[:40]!r}...; a JPEG of at most 8 MB is promised"
    if isinstance(camera, HasClock):
        answer = await stage.ask("device_time", camera.device_time)
        _may_lack(stage, answer)
        offset = getattr(answer.value, "utcoffset", lambda: None)()
        if answer.error is None and (offset is None or offset.total_seconds()):
            yield f"device_time returned {answer.value!r}; a datetime in UTC (with its time zone) is promised"
    if isinstance(camera, HasOutputs) and camera.io is not None:
        async for fault in _switching(stage, camera.io):
            yield fault


async def _switching(stage: CameraStage, io: Outputs) -> AsyncIterator[str]:
    names = stage.must(await stage.ask("io.outputs", io.outputs))
    if not isinstance(names, tuple) or not all(isinstance(name, str) and name for name in names):
        yield f"io.outputs returned {names!r}; return a tuple of names"
        return
    for name in [name for name in names if name != "speaker"][:_MOST_PRESETS]:
        on = await stage.ask(f"io.switch({name!r}, True)", lambda name=name: io.switch(name, True, 1.0))  # type: ignore[misc]
        _may_lack(stage, on)
        off = await stage.ask(f"io.switch({name!r}, False)", lambda name=name: io.switch(name, False, 0.0))  # type: ignore[misc]
        _may_lack(stage, off)
    unknown = await stage.ask("io.switch of an unknown output", lambda: io.switch(_UNKNOWN, True, 1.0))
    if not isinstance(unknown.error, NotSupported):
        yield "io.switch of an unknown output must raise NotSupported"
    elif names and not any(name in str(unknown.error) for name in names):
        yield f"io.switch of an unknown output says {str(unknown.error)!r}; it should name those that exist"
