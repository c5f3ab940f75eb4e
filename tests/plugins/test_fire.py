"""The detector ``fire`` on rendered scenes with exact truth: flames and smoke are told, what resembles them is not."""

from datetime import datetime, timedelta, timezone

import cv2
import numpy as np
import pytest
import voluptuous as vol

from siaga.core.contracts import LookContext, Scene
from siaga.core.types import Frame
from siaga.plugins.detectors.fire import SCHEMA
from siaga.plugins.detectors.fire.detector import FireDetector

START = datetime(2026, 11, 25, tzinfo=timezone.utc)
SIZE = (240, 320)
FPS = 5
ZONE = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
SCENE = Scene(camera="pasar", zones={"kiri": ZONE})


def noise(seed, grain):
    """Return smooth noise, 0..1, that repeats from top to bottom."""
    field = np.random.default_rng(seed).random((SIZE[0] // grain, SIZE[1] // grain)).astype(np.float32)
    field = np.vstack([field, field[:1]])
    return cv2.resize(field, (SIZE[1], SIZE[0]), interpolation=cv2.INTER_CUBIC).clip(0, 1)


def street(dim=1.0):
    """Return a still street with structure, uint8 BGR."""
    base = 70 + 90 * noise(1, 4) + 25 * noise(2, 24)
    picture = np.stack([base * 1.0, base * 0.98, base * 0.95], axis=2) * dim
    cv2.rectangle(picture, (20, 120), (90, 230), (60 * dim, 70 * dim, 80 * dim), -1)
    return picture.clip(0, 255).astype(np.uint8)


def draw_fire(picture, t, at=(200, 190), size=34):
    """Burn: noise that rises inside a tongue whose height wavers, from red at the rim to nearly white inside."""
    ys, xs = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    height = size * (1.6 + 0.35 * np.sin(9.1 * t) + 0.3 * np.sin(14.7 * t + 1))
    across, up = (xs - at[0]) / size, (at[1] - ys) / height
    sway = 0.25 * np.sin(7 * t + 3 * up) * up
    rising = np.roll(noise(3, 8), -int(60 * t), axis=0)
    heat = 1.25 - np.hypot(across - sway, (up - 0.35) * 1.3) * 1.25 - 0.9 * rising * (0.4 + up.clip(0, 1))
    heat = np.where((up > -0.15), heat, 0).clip(0, 1)
    colour = np.stack([255 * (heat - 0.55) * 1.8, 255 * (heat - 0.12) * 1.5, 255 * heat * 2.2], axis=2).clip(0, 255)
    share = (heat * 3).clip(0, 1)[..., None]
    return (picture * (1 - share) + colour * share).astype(np.uint8)


def draw_smoke(picture, t, at=(180, 200)):
    """Let a grey plume rise that widens, shows through, and changes all the time."""
    ys, xs = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    up = (at[1] - ys) / 150
    reach = min(1.0, t / 8)
    width = 18 + 70 * up.clip(0, 1)
    shape = np.exp(-(((xs - at[0] - 20 * np.sin(0.8 * t + 4 * up)) / width) ** 2)) * (up > 0) * (up < reach)
    clouds = np.roll(noise(5, 12), -int(22 * t), axis=0) * 0.6 + np.roll(noise(6, 24), -int(12 * t), axis=0) * 0.4
    veil = (shape * (0.25 + 0.75 * clouds)).clip(0, 0.85)[..., None]
    return (picture * (1 - veil) + 185 * veil).astype(np.uint8)


def lamp(picture, t):
    cv2.circle(picture, (200, 100), 14, (120, 200, 255), -1)
    cv2.circle(picture, (200, 100), 8, (200, 240, 255), -1)
    return picture


def police(picture, t):
    colour = (40, 60, 255) if int(t * 4) % 2 else (255, 60, 40)
    cv2.rectangle(picture, (180, 100), (220, 116), colour, -1)
    return picture


def blinking(picture, t):
    if int(t * 2.5) % 2:
        cv2.circle(picture, (200, 100), 16, (90, 190, 255), -1)
        cv2.circle(picture, (200, 100), 9, (190, 240, 255), -1)
    return picture


def cloth(picture, t):
    xs = np.arange(60)
    for x in xs:
        shift, light = int(6 * np.sin(0.15 * x - 5 * t)), 0.75 + 0.25 * np.cos(0.15 * x - 5 * t)
        picture[80 + shift : 120 + shift, 160 + x] = (30 * light, 40 * light, 235 * light)
    return picture


def headlights(picture, t):
    x = int(-40 + 60 * (t % 8))
    for dx in (0, 26):
        cv2.circle(picture, (x + dx, 150), 9, (190, 235, 255), -1)
        cv2.circle(picture, (x + dx, 150), 15, (110, 190, 250), 3)
    return picture


def sunset(picture, t):
    rows = np.linspace(0, 1, 110, dtype=np.float32)[:, None]
    sky = np.stack([40 + 60 * rows, 90 + 130 * rows, 200 + 55 * rows], axis=2)
    picture[:110] = np.broadcast_to(sky, (110, SIZE[1], 3)).astype(np.uint8)
    cv2.circle(picture, (160, 90), 18, (170, 235, 255), -1)
    return picture


def vest(picture, t):
    x = int(20 + 35 * (t % 7))
    cv2.rectangle(picture, (x, 90), (x + 18, 180), (60, 60, 60), -1)
    cv2.rectangle(picture, (x, 108), (x + 18, 145), (30, 120, 250), -1)
    return picture


def nothing(picture, t):
    return picture


def seen(draw, seconds=14, *, dim=1.0, shake=0.0, rain=False, look=1.0, scene=SCENE, hurdle=0.5, noisy=3.0, **options):
    """Return what is told, as (kind, seconds since the thing began), over a rendered scene."""
    detector = FireDetector(SCHEMA(options), scene, lambda bgr: look, hurdle)
    base, random, told = street(dim), np.random.default_rng(7), []
    for number in range(int((4 + seconds) * FPS)):
        t = number / FPS - 4
        picture = draw(base.copy(), t) if t >= 0 else base.copy()
        if rain:
            for x, y in random.integers(0, 320, (40, 2)):
                cv2.line(picture, (int(x), int(y) - 10), (int(x) + 2, int(y)), (200, 200, 200), 1)
        if shake:
            moved = np.float32([[1, 0, random.normal(0, shake)], [0, 1, random.normal(0, shake)]])
            picture = cv2.warpAffine(picture, moved, (SIZE[1], SIZE[0]), borderMode=cv2.BORDER_REPLICATE)
        picture = (picture + random.normal(0, noisy, picture.shape)).clip(0, 255).astype(np.uint8)
        at, mono_s = START + timedelta(seconds=t), 100.0 + t
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
        colours = picture
        frame = Frame(
            camera="pasar", at=at, arrived_mono_s=mono_s, is_key=True, luma=grey, colour=lambda shown=colours: shown
        )
        for one in detector.look(frame, LookContext(at=at, mono_s=mono_s, motion=0.01)):
            if one.is_event:
                told.append((one.kind, t, one))
    return told


def kinds(told):
    return {kind for kind, _, _ in told}


@pytest.mark.parametrize(
    "weather", [{}, {"dim": 0.15}, {"rain": True}, {"shake": 0.7}], ids=["day", "night", "rain", "shake"]
)
def test_a_flame_is_told_within_ten_seconds_and_again_while_it_burns(weather):
    told = [one for one in seen(draw_fire, **weather) if one[0] == "fire.flame"]
    assert told and told[0][1] <= 10
    assert len(told) >= 2 and told[1][1] - told[0][1] >= 5
    box = told[0][2].boxes[0]
    assert box.left < 200 / 320 < box.right and box.top < 175 / 240 < box.bottom


def test_a_flame_that_the_net_does_not_know_is_still_told_within_ten_seconds():
    told = seen(draw_fire, look=0.0)
    assert told[0][:1] == ("fire.flame",) and told[0][1] <= 10


@pytest.mark.parametrize("weather", [{}, {"rain": True}], ids=["day", "rain"])
def test_smoke_is_told_within_twenty_seconds(weather):
    told = [one for one in seen(draw_smoke, 22, **weather) if one[0] == "fire.smoke"]
    assert told and told[0][1] <= 20


@pytest.mark.parametrize(
    "draw", [nothing, lamp, police, blinking, cloth, headlights, sunset, vest], ids=lambda draw: draw.__name__
)
@pytest.mark.parametrize(
    "weather", [{}, {"dim": 0.15}, {"rain": True, "shake": 0.7}], ids=["day", "night", "rain and shake"]
)
def test_what_only_resembles_a_fire_is_no_alarm(draw, weather):
    assert kinds(seen(draw, 16, **weather)) == set()


def test_a_place_whose_flames_are_usual_is_left_out_and_only_the_zones_count():
    assert "fire.flame" not in kinds(seen(draw_fire, zones=["kiri"]))
    left = seen(lambda picture, t: draw_fire(picture, t, at=(80, 190)), zones=["kiri"])
    assert "fire.flame" in kinds(left)
    assert "fire.flame" not in kinds(
        seen(lambda picture, t: draw_fire(picture, t, at=(80, 190)), **{"except": ["kiri"]})
    )


def test_a_single_picture_is_a_suspicion_and_told_only_where_that_is_asked_for():
    assert kinds(seen(nothing, 3)) == set()
    assert [kind for kind, _, _ in seen(nothing, 3, suspicions=True)] == ["fire.suspected"]


def test_unfit_pictures_and_zones_are_handled():
    with pytest.raises(ValueError, match="kiri"):
        FireDetector(SCHEMA({"zones": ["kanan"]}), SCENE, lambda bgr: 0.0, 0.5)
    with pytest.raises(vol.Invalid):
        SCHEMA({"what": ["uap"]})
    detector = FireDetector(SCHEMA({}), SCENE, lambda bgr: 0.0, 0.5)
    for number, shape in enumerate(((8, 8), (4320, 7680), (240, 320), (50, 2000))):
        picture = np.zeros((*shape, 3), np.uint8)
        frame = Frame(
            camera="x", at=START, arrived_mono_s=float(number), is_key=True, luma=picture[..., 0],
            colour=lambda shown=picture: shown,
        )  # fmt: skip
        assert detector.look(frame, LookContext(at=START, mono_s=float(number))) == [] or number == 0
    assert detector.look(None, LookContext(at=START)) == ()
