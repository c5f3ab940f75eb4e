import cv2
import numpy as np
from packet_server import moving_pictures, noisy, still_picture, still_pictures

from siaga.core.media.motion import MotionMeter


def grey(picture):
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)


def areas(pictures, every_s=0.2, meter=None, start_s=0.0):
    meter = meter or MotionMeter()
    return [meter.measure(grey(p), start_s + every_s * k) for k, p in enumerate(pictures)]


def test_a_still_scene_with_camera_noise_does_not_move():
    assert not any(m.is_moving for m in areas(still_pictures(40)))


def test_somebody_who_walks_moves_at_every_look():
    meter = MotionMeter()
    areas(still_pictures(5), meter=meter)
    found = areas(moving_pictures(20), meter=meter, start_s=1.0)
    assert all(m.is_moving for m in found)
    assert 0.005 < np.median([m.area for m in found]) < 0.1


def test_a_lamp_switched_on_or_off_is_not_motion():
    rng, base = np.random.default_rng(1), still_picture()
    dark = (base * 0.4).astype(np.uint8)
    scene = [dark] * 10 + [base] * 10 + [dark] * 10
    found = areas([noisy(p, rng) for p in scene])
    assert not any(m.is_moving for m in found)
    assert sum(m.is_light for m in found) >= 2


def test_motion_is_seen_again_after_the_light_has_changed():
    meter, rng = MotionMeter(), np.random.default_rng(1)
    areas([noisy((still_picture() * 0.4).astype(np.uint8), rng) for _ in range(5)], meter=meter)
    areas(still_pictures(8), meter=meter, start_s=1.0)
    assert any(m.is_moving for m in areas(moving_pictures(5), meter=meter, start_s=3.0))


def test_the_evening_that_falls_slowly_is_not_motion():
    rng, base = np.random.default_rng(2), still_picture().astype(np.float32)
    scene = [noisy((base * (1.0 - 0.004 * k)).astype(np.uint8), rng) for k in range(120)]
    assert not any(m.is_moving for m in areas(scene, every_s=2.0))


def test_a_parked_thing_becomes_part_of_the_scene():
    parked = moving_pictures(1, offset=200)[0]
    meter = MotionMeter()
    areas(still_pictures(3), meter=meter)
    found = areas([parked] * 300, every_s=0.5, meter=meter, start_s=1.0)
    assert found[0].is_moving and not found[-1].is_moving


def test_a_picture_without_extent_or_of_another_size_is_safe():
    meter = MotionMeter()
    assert not meter.measure(np.zeros((0, 0), np.uint8), 0.0).is_moving
    assert not meter.measure(np.zeros((4, 4), np.uint8), 0.0).is_moving
    meter.measure(grey(still_picture((640, 480))), 1.0)
    assert not meter.measure(grey(still_picture((352, 288))), 2.0).is_moving
