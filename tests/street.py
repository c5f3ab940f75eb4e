"""A street as a camera on a pole sees it: everything that stands or moves there has its metres and its truth."""

import math
import random
from datetime import datetime, timedelta, timezone

from siaga.core.contracts import LookContext, Scene
from siaga.core.ground import Ground
from siaga.core.types import Box, Sighting
from siaga.plugins.detectors.behaviour import offer_detectors

START = datetime(2026, 11, 25, 3, 0, tzinfo=timezone.utc)
KINDS = {kind.name: kind for kind in offer_detectors()}
ASPECT = 16 / 9


class Pole:
    """Hold a camera ``height`` metres up that looks along y, ``tilt`` degrees down; x is to its right."""

    def __init__(self, height=6.0, tilt=22.0, view=60.0):
        self.height, self.tilt = height, math.radians(tilt)
        self.focus = 0.5 / math.tan(math.radians(view) / 2)  # in shares of the width

    def see(self, x, y, z=0.0):
        """Return where a point of the world stands in the picture, fractions."""
        down = self.height - z
        depth = y * math.cos(self.tilt) + down * math.sin(self.tilt)
        low = down * math.cos(self.tilt) - y * math.sin(self.tilt)
        return 0.5 + self.focus * x / depth, 0.5 + self.focus * ASPECT * low / depth

    def ground(self, width=6.0, near=8.0, far=30.0):
        corners = [(-width / 2, near), (width / 2, near), (width / 2, far), (-width / 2, far)]
        metres = ((0.0, 0.0), (width, 0.0), (width, far - near), (0.0, far - near))
        return Ground(points=tuple(self.see(*corner) for corner in corners), metres=metres)

    def box(self, x, y, wide, high, shake=0.0, source=random):
        """Return what a detector draws around a thing that stands there."""
        foot, head = self.see(x, y), self.see(x, y, high)
        half = (self.see(x + wide / 2, y)[0] - self.see(x - wide / 2, y)[0]) / 2
        tall = foot[1] - head[1]
        dx, dy = source.gauss(0, shake * half), source.gauss(0, shake * tall)
        return Box(left=foot[0] - half + dx, top=head[1] + dy, right=foot[0] + half + dx, bottom=foot[1] + dy)


class Street:
    """Show a detector of behaviour what moves, five times a second, with trembling boxes."""

    def __init__(self, kind, *, pole=None, ground=True, zones=None, shake=0.03, seed=1, fps=5.0, **options):
        self.pole = pole or Pole()
        scene = Scene(
            camera="jalan", zones=zones or {}, ground=self.pole.ground() if ground is True else ground or None
        )
        self.zones = zones or {}
        self.detector = KINDS[kind].make(options, scene)
        self.random = random.Random(seed)
        self.now_s, self.step_s, self.shake = 0.0, 1 / fps, shake
        self.told = []
        self.readings = []
        self._first = {}

    def look(self, *things):
        """Show things: (track, label, box) now."""
        at = START + timedelta(seconds=self.now_s)
        seen = tuple(
            Sighting(
                track=track, label=label, score=0.8, box=box, zones=tuple(self.zones),
                first_seen=self._first.setdefault(track, at), last_seen=at,
            )
            for track, label, box in things
        )  # fmt: skip
        said = self.detector.look(None, LookContext(at=at, sightings=seen, mono_s=self.now_s, aspect=ASPECT))
        self.told += [(self.now_s, one.kind, one.data) for one in said if one.is_event]
        self.readings += [one.data for one in said if not one.is_event]
        self.now_s += self.step_s

    def drive(self, speed, *, y=(10.0, 60.0), x=0.0, track=1, label="car", size=(1.8, 1.5), brakes_at=None):
        """Let one thing move along the street at m/s until the end; ``brakes_at`` stops it there for good."""
        place, way = y[0], 1 if y[1] > y[0] else -1
        while (y[1] - place) * way > 0:
            self.look((track, label, self.pole.box(x, place, *size, self.shake, self.random)))
            if brakes_at is None or (brakes_at - place) * way > 0:
                place += way * speed * self.step_s
            elif self.now_s > 60:
                return

    def kinds(self):
        return [kind for _, kind, _ in self.told]
