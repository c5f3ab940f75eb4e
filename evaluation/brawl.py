"""Measures ``brawl`` on clips of fights and of ordinary life, through the whole chain: people seen, followed, judged.

The clips last two or three seconds, too short for a suspicion: each is played to and fro for ten seconds. What the
detector weighs was learnt from the development clips, where these figures are somewhat too good; those of scenes that
were left out stand in ``docs/decisions/031``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..core.contracts import Detector, Kind
from ..core.media.seat import Fence
from .footage import Picture, folder_of, pictures_of, rows_of
from .looking import Looking
from .measures import median, share
from .report import Figure, Report

FPS, PLAYED_S = 10.0, 10.0
# Fights at a distance are seen faintly; the operators' page asks for the same on such cameras.
_MIN_SCORE = 0.3


def measure(data: Path, kinds: Mapping[str, Kind[Detector]], fence: Fence) -> list[Report]:
    """Return how many fights are suspected, how many others, and how soon. NoFootage."""
    folder = folder_of(data, "fights")
    rows = rows_of(folder)
    found: dict[bool, list[bool]] = {True: [], False: []}
    waits_s: list[float] = []
    for row in rows:
        looking = Looking(kinds, fence, [("objects", {"min_score": _MIN_SCORE}), ("brawl", {})])
        for number, picture in enumerate(_to_and_fro([one for _, one in pictures_of(folder / row["file"], FPS)])):
            looking.see(picture, number / FPS)
        told = [event for event in looking.events if event.kind == "fight.suspected"]
        found[row["label"].startswith("fight")].append(bool(told))
        waits_s += [told[0].arrived_mono_s] if told and row["label"].startswith("fight") else []
    fights, others = found[True], found[False]
    figures = (
        Figure(name="fights suspected", value=share(sum(fights), len(fights)), goal=">= 0.75"),
        Figure(name="others suspected", value=share(sum(others), len(others)), goal="<= 0.05"),
        Figure(name="seconds to the suspicion", value=median(waits_s), unit="s"),
    )
    count = f"{len(fights)} fights, {len(others)} others"
    return [Report(detector="brawl", footage="CCTV clips, played to and fro", count=count, figures=figures)]


def _to_and_fro(taken: list[Picture]) -> list[Picture]:
    order = [*range(len(taken)), *range(len(taken) - 2, 0, -1)]
    return [taken[order[number % len(order)]] for number in range(round(PLAYED_S * FPS))] if taken else []
