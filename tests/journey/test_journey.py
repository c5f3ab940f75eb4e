"""The whole road with real parts: RTSP, recorder, eyes, rule, PTZ, clip, WhatsApp, pages; and what is killed on it."""

import io
import json
import signal
import sqlite3
import time
from collections import Counter
from datetime import datetime
from itertools import pairwise

import av
import pytest
from road import KIND, QUIET_S, Cloud, House, free_port, scene
from rtsp_server import RtspServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

RULE = {
    "id": "orang-di-gang",
    "alias": "Orang di gang",
    "triggers": [{"trigger": "event", "kind": KIND, "camera": "gang"}],
    "conditions": [{"condition": "template", "value_template": "{{ trigger.event.camera.name == 'Gang Mawar' }}"}],
    "actions": [
        {"action": "ptz.goto_preset", "target": {"camera": "ptz"}, "data": {"preset": "pintu-air"}},
        {"action": "recording.burst", "target": {"camera": "gang"}, "data": {"before": 10, "after": 6}},
        {
            "action": "notify",
            "target": {"contact": "posko"},
            "data": {"message": "Orang di {{ trigger.event.camera.name }}"},
        },
    ],
    "mode": "single",
    "cooldown": {"minutes": 10},
}


WEBHOOK = {"app_secret": "stand-in-app-secret", "verify_token": "stand-in-verify-token"}


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture
def cloud():
    stand_in = Cloud()
    yield stand_in
    stand_in.close()


@pytest.fixture
def house(tmp_path, people, cloud):
    # Fixed for this house: WhatsApp's side calls back to the same address after a restart.
    port = free_port()
    cloud.do("webhook_to", url=f"http://127.0.0.1:{port}/hooks/wa", auto=["sent", "delivered"])
    with RtspServer(people) as server:
        config = {
            "site": {"name": "Kelurahan Uji", "language": "id"},
            "web": {"host": "127.0.0.1", "port": port},
            "storage": {"path": "var", "min_free": "10 MB"},
            "cameras": {
                "gang": {
                    "type": "rtsp",
                    "name": "Gang Mawar",
                    "streams": {"main": server.url()},
                    "detect": [{"type": "objects", "labels": ["person"]}],
                },
                "ptz": {"type": "demo", "scene": "ptz", "name": "PTZ"},
            },
            "notifiers": {"wa": cloud.notifier(**WEBHOOK)},
            "contacts": {"posko": {"name": "Posko", "via": [{"notifier": "wa", "to": "+6281200000001"}]}},
            "rules": [RULE],
        }
        cloud.do("template", name="siaga_peringatan", parameters=1, header="image")
        house = House(tmp_path, config)
        house.start()
        yield house
        house.close()


def accepted(cloud):
    return cloud.state()["accepted"]


def events(house, kind):
    return [item["event"] for item in house.visitor.api(f"/api/v1/events?kind={kind}&limit=200")["events"]]


def alerted(house):
    """Return the event that ran the rule, with its runs, clips and notices, once its clip is there."""
    for event in reversed(events(house, KIND)):
        told = house.visitor.api(f"/api/v1/events/{event['id']}")
        # The next person, whom the cooldown leaves out, may be looked at just when the clip has come.
        if told["clips"] and any(trace["state"] != "dropped" for trace in told["traces"]):
            return told
    return None


def check_clip(content, at_least_s):
    """A clip plays, starts at a keyframe, has no gap, and its times only grow."""
    with av.open(io.BytesIO(content)) as container:
        stream = container.streams.video[0]
        packets = [p for p in container.demux(stream) if p.size]
        assert packets[0].is_keyframe
        times = [float(p.pts * p.time_base) for p in packets]
        steps = [b - a for a, b in pairwise(times)]
        assert min(steps) > 0
        assert max(steps) < 0.35, f"a gap of {max(steps):.2f} s at 10 frames a second"
        assert times[-1] - times[0] >= at_least_s
    with av.open(io.BytesIO(content)) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(packets)


def test_a_person_before_an_rtsp_camera_becomes_one_alert_with_the_picture_a_turned_ptz_and_a_clip(house, cloud):
    house.until(lambda: accepted(cloud), QUIET_S + 45, "the alert")
    told = house.until(lambda: alerted(house), 40, "the clip")
    state = cloud.state()
    assert state["violations"] == []
    assert [m["text"] for m in state["accepted"]] == ["Orang di Gang Mawar"]
    with av.open(io.BytesIO(cloud.picture(0)), format="jpeg_pipe") as picture:
        frame = next(picture.decode(video=0))
        assert (frame.width, frame.height) == (640, 480)

    event, (clip,) = told["event"], told["clips"]
    assert event["camera"] == "gang"
    check_clip(house.visitor.content(f"/media/{clip['path']}"), at_least_s=15)
    start, at = (datetime.fromisoformat(when) for when in (clip["start"], event["at"]))
    assert (at - start).total_seconds() >= 9.99, "ten seconds of pre-roll were asked for"

    (trace,) = told["traces"]
    assert trace["state"] == "finished"
    outcomes = {step["path"]: step["outcome"] for step in trace["steps"]}
    assert outcomes["conditions[0]"] == "true"
    assert [outcomes[f"actions[{k}]"] for k in range(3)] == ["done"] * 3
    assert "Gang Mawar" in house.visitor.page("/events")


def test_a_killed_eye_costs_no_recorded_second_and_sees_again(house, cloud):
    house.until(lambda: accepted(cloud), QUIET_S + 45, "the alert")
    # The burst is still growing now: its last six seconds are recorded while there is no eye.
    eye = house.child("eye")
    eye.send_signal(signal.SIGKILL)
    told = house.until(lambda: alerted(house), 40, "the clip")
    check_clip(house.visitor.content(f"/media/{told['clips'][0]['path']}"), at_least_s=15)
    house.until(lambda: house.child("eye").pid != eye.pid, 20, "a new eye")
    assert len(events(house, "eye.restarted")) == 1
    before = len(events(house, KIND))
    house.until(lambda: len(events(house, KIND)) > before, 60, "an event of the new eye")
    assert len(accepted(cloud)) == 1, "the cooldown holds: one alert"


def test_a_killed_recorder_is_replaced_and_what_it_had_recorded_is_kept(house, cloud):
    house.until(lambda: accepted(cloud), QUIET_S + 45, "the alert")
    recorder = house.child("recorder")
    recorder.send_signal(signal.SIGKILL)
    told = house.until(lambda: alerted(house), 40, "the clip of before")
    with av.open(io.BytesIO(house.visitor.content(f"/media/{told['clips'][0]['path']}"))) as container:
        assert sum(1 for _ in container.decode(video=0)) >= 80
    assert len(events(house, "recorder.restarted")) == 1
    assert house.child("recorder").pid != recorder.pid

    def camera_is_live():
        return {c["id"]: c["state"] for c in house.visitor.api("/api/v1/cameras")["cameras"]}["gang"] == "live"

    house.until(camera_is_live, 30, "the camera")


@pytest.mark.parametrize("moment", ["as the event is committed", "while the alert is on the wire", "while it waits"])
def test_a_killed_hub_loses_nothing_and_sends_nothing_twice(house, cloud, moment):
    if moment == "while the alert is on the wire":
        cloud.do("slow", seconds=4, times=1)
    if moment == "while it waits":
        cloud.do("fail", code=131000, times=1)
    look = {
        "as the event is committed": lambda: house.journal("select 1 from events where kind = ?", KIND),
        "while the alert is on the wire": lambda: "messages" in json.dumps(cloud.state()["requests"]),
        "while it waits": lambda: house.journal("select 1 from notices where body like '%131000%'"),
    }[moment]
    house.until(lambda: _quietly(look), QUIET_S + 45, moment)
    house.kill()
    count = house.journal("select count(*) from events where kind = ?", KIND)[0][0]
    assert count >= 1
    house.start()
    house.until(lambda: accepted(cloud), 90, "the alert after the restart")
    # Nothing more may come: neither from the journal nor from the outbox.
    time.sleep(8)
    texts = Counter(m["text"] for m in accepted(cloud))
    assert texts == {"Orang di Gang Mawar": 1}
    assert house.journal("select count(*) from events where kind = ?", KIND)[0][0] >= count


def _quietly(look):
    try:
        return look()
    except sqlite3.OperationalError:
        return None
