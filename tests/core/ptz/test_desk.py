"""Who turns a camera, where it stands, and what is told of it: a real desk on a clock that the test turns."""

import asyncio

import msgspec
import pytest
from dome import Dome, TellingDome
from hub_for_rules import RecordingCamera, close_hub, open_hub, settings, until

from siaga.core.errors import ActionFailed, CameraLost, NotSupported, PluginError
from siaga.core.ptz.lease import CameraHeld, Mover
from siaga.core.ptz.settings import PatrolSettings, PatrolStop, PtzSettings
from siaga.core.types import Alert

BUDI = Mover(kind="person", name="Pak Budi", address="10.0.0.9")
SARI = Mover(kind="person", name="Bu Sari")
BANJIR = Mover(kind="rule", name="banjir", run="r1")
API = Mover(kind="rule", name="api", run="r2")
URGENT = Mover(kind="rule", name="api", run="r3", priority="high")
HOME = PtzSettings(home="jalan", return_after_s=60, settle_s=3, lease_s=30)
PLAN = PatrolSettings(
    stops=(PatrolStop(preset="pintu-air", dwell_s=20), PatrolStop(preset="jalan", dwell_s=40)), pause_s=120
)


class Site:
    """A hub with one dome, whose desk watches it."""

    def __init__(self, hub, dome):
        self.hub, self.dome, self.desk = hub, dome, hub.ptz
        self.eyes = hub.eyes_were_told

    @property
    def state(self):
        return self.desk.state("ptz")

    @property
    def stands(self):
        standing = self.state.standing
        return standing.preset or standing.where

    async def pass_s(self, seconds, step_s=0.5):
        """Let time go by; the journal's threads know no test clock, so it goes in small steps."""
        left_s = float(seconds)
        while left_s > 0:
            await self.hub.clock.advance(min(step_s, left_s))
            left_s -= step_s
            while self.hub.journal.under_way:
                await asyncio.sleep(0.001)
            await self.hub.clock.advance(0)

    async def goto(self, preset, who=BUDI, **more):
        await self.desk.goto("ptz", preset, who, **more)
        await self.hub.clock.advance(0)

    async def told(self, kind="ptz."):
        found = [one.event for one in await self.hub.events.after(0)]
        return [(one.kind, one.data) for one in found if one.kind.startswith(kind)]

    async def audit(self):
        return [(one.who, one.what) for one in reversed(await self.hub.audit.find(100))]


@pytest.fixture
async def site(tmp_path):
    hubs = []

    async def make(ptz=HOME, dome=None, name="a.db"):
        its = settings()
        camera = msgspec.structs.replace(its.cameras["ptz"], ptz=ptz)
        its = msgspec.structs.replace(its, cameras={**its.cameras, "ptz": camera})
        hub = await open_hub(tmp_path / name, site=its)
        hubs.append(hub)
        dome = dome or Dome()
        hub.cameras["ptz"] = RecordingCamera(dome)
        hub.ptz.start(hub.tasks)
        made = Site(hub, dome)
        await made.pass_s(0.5)
        return made

    async def end(one):
        hubs.remove(one.hub)
        await one.desk.stop_watching(1)
        await close_hub(one.hub)

    make.end = end
    yield make
    for hub in hubs:
        await close_hub(hub)


# --- where it stands --------------------------------------------------------------------------


async def test_a_camera_stands_at_a_preset_when_it_has_settled_and_the_eyes_learn_it(site):
    one = await site()
    assert one.stands == "unknown"
    await one.goto("pintu-air")
    assert one.stands == "moving" and one.eyes[-1].is_turning
    await one.pass_s(2)
    assert one.stands == "moving"
    await one.pass_s(2)
    assert one.stands == "pintu-air" and one.state.sent == "pintu-air"
    assert (one.eyes[-1].preset, one.eyes[-1].is_turning) == ("pintu-air", False)
    assert ("ptz.arrived", {"preset": "pintu-air", "by": "person", "who": "Pak Budi"}) in await one.told()


async def test_the_eyes_know_of_a_turn_before_the_camera_does(site):
    one = await site()
    one.dome.is_hanging = True
    going = asyncio.ensure_future(one.desk.goto("ptz", "pintu-air", BUDI))
    await until(lambda: one.eyes and one.eyes[-1].is_turning)
    assert one.dome.told == []
    one.dome.let_go.set()
    await going


async def test_a_move_by_hand_ends_nowhere_known(site):
    one = await site()
    await one.goto("pintu-air")
    await one.pass_s(4)
    await one.desk.move("ptz", (0.5, 0.0, 0.0), 2.0, BUDI)
    await one.pass_s(3)
    assert one.stands == "moving", "two seconds of turning, and three to come to rest"
    await one.pass_s(3)
    assert one.stands == "unknown" and not one.eyes[-1].is_turning


async def test_a_stop_leaves_a_camera_that_stands_where_it_stands(site):
    one = await site()
    await one.goto("pintu-air")
    await one.pass_s(4)
    await one.desk.stop("ptz", BUDI)
    await one.pass_s(4)
    assert one.stands == "pintu-air"


@pytest.mark.parametrize(("fault", "error"), [("is_dead", CameraLost), ("broken", NotSupported)])
async def test_after_a_goto_that_failed_nobody_knows_where_it_stands(site, fault, error):
    one = await site()
    await one.goto("pintu-air")
    await one.pass_s(4)
    one.dome.is_dead = fault == "is_dead"
    one.dome.broken_presets = {"jalan"} if fault == "broken" else set()
    with pytest.raises(error):
        await one.goto("jalan")
    await one.pass_s(4)
    assert one.stands == "unknown"
    assert (await one.audit())[-2:] == [("Pak Budi", "ptz.goto"), ("Pak Budi", "ptz.failed")]


async def test_a_camera_that_says_where_it_looks_is_asked_until_it_rests(site):
    one = await site(dome=TellingDome(turns=12))
    await one.goto("pintu-air")
    await one.pass_s(5)
    assert one.stands == "moving", "longer than its settle time, and it still turns"
    await one.pass_s(5)
    assert one.stands == "pintu-air"


async def test_a_camera_that_never_rests_is_nowhere_known(site):
    one = await site(dome=TellingDome(turns=10_000))
    await one.goto("pintu-air")
    await one.pass_s(30)
    assert one.stands in ("unknown", "moving") and not one.state.standing.preset


async def test_who_turns_the_camera_by_the_vendors_app_is_noticed_and_the_camera_goes_home_later(site):
    one = await site(dome=TellingDome())
    await one.goto("pintu-air")
    await one.pass_s(40)
    assert one.stands == "pintu-air" and one.state.lease is None
    one.dome.at = (0.7, 0.7, 0.7)
    await one.pass_s(13)
    assert one.stands == "unknown" and not one.eyes[-1].preset
    assert ("ptz.displaced", {"preset": "pintu-air"}) in await one.told()
    await one.pass_s(70)
    assert one.stands == "jalan"
    asked = one.dome.asked
    await one.pass_s(60)
    assert one.dome.asked - asked <= 8, "it is asked slowly"


async def test_a_camera_that_tours_by_itself_does_not_fill_the_journal(site):
    one = await site(dome=TellingDome())
    for _ in range(5):
        await one.pass_s(70, step_s=1)
        assert one.stands == "jalan"
        one.dome.at = (0.7, 0.7, 0.7)
        await one.pass_s(13)
    assert [kind for kind, _ in await one.told()] == ["ptz.displaced"]


async def test_a_camera_that_does_not_answer_where_it_looks_is_asked_less_and_less(site):
    one = await site(dome=TellingDome())
    one.dome.is_mute = True
    asked = one.dome.asked
    await one.pass_s(300, step_s=5)
    assert one.dome.asked - asked < 12


# --- who holds it -----------------------------------------------------------------------------


async def test_a_rule_is_refused_while_a_person_holds_the_camera_and_told_who_and_until_when(site):
    one = await site()
    await one.goto("pintu-air")
    with pytest.raises(CameraHeld, match=r"kamera 'ptz' dipegang Pak Budi sampai 19\.05"):
        await one.goto("jalan", BANJIR)
    await one.pass_s(31)
    await one.goto("jalan", BANJIR)
    assert [what[1] for what in one.dome.told] == ["pintu-air", "jalan"]
    assert ("banjir", "ptz.refused") in await one.audit()


async def test_a_person_takes_a_camera_from_a_rule_at_once_and_cuts_off_what_it_does(site):
    one = await site()
    one.dome.is_hanging = True
    ruled = asyncio.ensure_future(one.desk.goto("ptz", "pintu-air", BANJIR, hold_s=60))
    await until(lambda: one.stands == "moving")
    one.dome.is_hanging = False
    await one.goto("jalan")
    with pytest.raises(ActionFailed, match="dihentikan"):
        await ruled
    assert one.dome.told == [("goto", "jalan")] and one.state.lease.mover == BUDI
    kinds = [(kind, data["who"]) for kind, data in await one.told()]
    assert kinds == [("ptz.taken", "banjir"), ("ptz.released", "banjir"), ("ptz.taken", "Pak Budi")]


async def test_another_person_must_confirm_and_the_first_then_has_to(site):
    one = await site()
    await one.goto("pintu-air")
    with pytest.raises(CameraHeld) as refused:
        await one.goto("jalan", SARI)
    assert refused.value.may_take_over and refused.value.lease.mover == BUDI
    await one.goto("jalan", SARI, is_confirmed=True)
    with pytest.raises(CameraHeld, match="Bu Sari"):
        await one.goto("pintu-air")


async def test_among_rules_the_higher_priority_goes_first_and_equals_wait(site):
    one = await site()
    await one.goto("pintu-air", BANJIR, hold_s=60)
    with pytest.raises(CameraHeld, match="aturan 'banjir'"):
        await one.goto("jalan", API)
    await one.goto("jalan", URGENT)
    assert one.state.lease is None, "it asked for no time"


async def test_a_rule_that_asks_for_no_time_keeps_nobody_away(site):
    one = await site()
    await one.goto("pintu-air", BANJIR)
    await one.goto("jalan", API)
    assert await one.told() == []


async def test_a_camera_is_given_back_by_whom_holds_it_and_by_nobody_else(site):
    one = await site()
    await one.goto("pintu-air")
    with pytest.raises(CameraHeld):
        await one.desk.release("ptz", BANJIR)
    await one.desk.release("ptz", BUDI)
    assert one.state.lease is None
    assert (await one.told())[-1] == ("ptz.released", {"by": "person", "who": "Pak Budi", "why": "released"})
    await one.desk.release("ptz", BUDI)


async def test_a_finger_that_stays_on_the_button_is_one_line_in_the_audit(site):
    one = await site()
    for _ in range(5):
        await one.desk.move("ptz", (0.5, 0.0, 0.0), 1.5, BUDI)
        await one.pass_s(1)
    await one.desk.stop("ptz", BUDI)
    assert await one.audit() == [("Pak Budi", "ptz.move"), ("Pak Budi", "ptz.done")]
    detail = (await one.hub.audit.find(10))[-1].detail
    assert detail["address"] == "10.0.0.9" and detail["by"] == "person"


# --- a camera that misbehaves -----------------------------------------------------------------


async def test_a_stop_goes_before_a_command_that_hangs(site):
    one = await site()
    one.dome.is_hanging = True
    going = asyncio.ensure_future(one.desk.goto("ptz", "pintu-air", BUDI))
    waiting = asyncio.ensure_future(one.desk.goto("ptz", "jalan", BUDI))
    await until(lambda: one.stands == "moving")
    await asyncio.wait_for(one.desk.stop("ptz", BUDI), 5)
    assert one.dome.told == [("stop",)]
    for task in (going, waiting):
        with pytest.raises(ActionFailed, match="dihentikan"):
            await task


async def test_a_stop_also_ends_what_was_still_on_its_way_to_the_disk(site):
    one = await site()
    going = asyncio.ensure_future(one.desk.goto("ptz", "pintu-air", BANJIR))
    await asyncio.sleep(0)
    await one.desk.stop("ptz", BANJIR)
    with pytest.raises(ActionFailed, match="dihentikan"):
        await going
    assert one.dome.told == [("stop",)]


async def test_a_move_whose_caller_is_cut_off_is_stopped(site):
    one = await site()
    one.dome.is_hanging = True
    moving = asyncio.ensure_future(one.desk.move("ptz", (1.0, 0.0, 0.0), 5.0, BUDI))
    await until(lambda: one.stands == "moving")
    moving.cancel()
    await until(lambda: one.dome.told == [("stop",)])
    await until(lambda: _is_noted(one, "ptz.failed"))


async def _is_noted(one, what):
    return what in [entry for _, entry in await one.audit()]


async def test_a_stop_of_ones_own_ends_a_move_once_and_stops_nothing_after_it(site):
    one = await site()
    one.dome.is_hanging = True
    moving = asyncio.ensure_future(one.desk.move("ptz", (1.0, 0.0, 0.0), 5.0, BUDI))
    await until(lambda: one.stands == "moving")
    await one.desk.stop("ptz", BUDI)
    await moving
    one.dome.is_hanging = False
    await one.goto("jalan")
    await one.pass_s(1)
    assert one.dome.told == [("stop",), ("goto", "jalan")]


async def test_who_is_overtaken_while_the_disk_writes_turns_nothing(site):
    one = await site()
    ruled = asyncio.ensure_future(one.desk.goto("ptz", "pintu-air", BANJIR))
    await asyncio.sleep(0)  # its line is on the way to the disk
    await one.goto("jalan")
    outcome = await asyncio.gather(ruled, return_exceptions=True)
    assert one.dome.told[-1] == ("goto", "jalan")
    assert isinstance(outcome[0], CameraHeld) or one.dome.told[0] == ("goto", "pintu-air")


async def test_a_move_that_fails_is_stopped_too(site):
    one = await site()
    one.dome.is_dead = True
    with pytest.raises(CameraLost):
        await one.desk.move("ptz", (1.0, 0.0, 0.0), 5.0, BUDI)
    await until(lambda: one.dome.told == [("stop",)])


async def test_behind_a_camera_that_hangs_nobody_queues_without_end(site):
    one = await site()
    one.dome.is_hanging = True
    waiting = [asyncio.ensure_future(one.desk.goto("ptz", "jalan", BUDI)) for _ in range(4)]
    await asyncio.sleep(0.05)
    with pytest.raises(ActionFailed, match="terlalu banyak"):
        await one.desk.goto("ptz", "jalan", BUDI)
    await one.desk.stop("ptz", BUDI)
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_plugins_own_error_is_named_and_shows_nothing_of_it(site):
    one = await site()

    async def broken(preset):
        raise KeyError("rtsp://petugas:rahasia@10.0.0.7")

    one.dome.goto = broken
    with pytest.raises(PluginError, match=r"pluginnya gagal \(KeyError\)") as told:
        await one.goto("jalan")
    assert "rahasia" not in str(told.value)


async def test_what_a_camera_cannot_do_is_said(site):
    one = await site(ptz=PtzSettings())
    for wish in (
        one.desk.home("ptz", BUDI),
        one.desk.set_preset("ptz", "baru", BUDI),
        one.desk.go_to("ptz", (0, 0, 0), BUDI),
        one.desk.shift("ptz", (0, 0, 0), BUDI),
        one.desk.patrol("ptz", BUDI, is_on=False),
    ):
        with pytest.raises(NotSupported):
            await wish
    with pytest.raises(ActionFailed, match="tidak dapat digerakkan"):
        await one.desk.goto("kali", "jalan", BUDI)
    assert one.desk.state("kali") is None and one.desk.state("nirwana") is None


# --- going home, and on patrol ----------------------------------------------------------------


async def test_a_camera_goes_home_after_the_last_move_when_nobody_holds_it(site):
    one = await site(msgspec.structs.replace(HOME, lease_s=90))
    await one.goto("pintu-air")
    await one.pass_s(85)
    assert one.stands == "pintu-air", "it is still held"
    await one.pass_s(60)
    assert one.stands == "pintu-air"
    await one.pass_s(15)
    assert one.stands == "jalan" and one.dome.told[-1] == ("goto", "jalan")
    count = len(one.dome.told)
    await one.pass_s(300, step_s=5)
    assert len(one.dome.told) == count, "it is at home"
    assert (await one.audit())[-1] == ("patrol", "ptz.home")


async def test_a_way_home_that_fails_is_tried_again_ever_later_and_told_in_health(site):
    one = await site()
    one.dome.broken_presets = {"jalan"}
    await one.pass_s(900, step_s=5)
    homes = [what for _, what in await one.audit() if what == "ptz.home"]
    assert 2 <= len(homes) <= 7
    book = one.desk._ports.health
    assert book.get("ptz ptz").state == "degraded" and "jalan" in book.get("ptz ptz").reason
    one.dome.broken_presets = set()
    await one.pass_s(900, step_s=5)
    assert book.get("ptz ptz").state == "ok"


def gotos(one):
    return [what[1] for what in one.dome.told if what[0] == "goto"]


async def test_a_patrol_walks_its_presets_with_their_dwell_and_leaves_the_journal_alone(site):
    one = await site(PtzSettings(patrol=PLAN))
    await one.pass_s(130)
    assert 4 <= len(gotos(one)) <= 5 and gotos(one)[:3] == ["pintu-air", "jalan", "pintu-air"]
    assert await one.told() == [] and await one.audit() == []
    assert one.state.patrol == "walking"
    await one.pass_s(3600, step_s=10)
    (line,) = [entry for entry in await one.hub.audit.find(10) if entry.what == "ptz.patrol"]
    assert line.who == "patrol" and line.detail["moves"] > 80


async def test_a_patrol_waits_while_somebody_holds_the_camera_and_goes_on_after_its_pause(site):
    one = await site(PtzSettings(patrol=PLAN, lease_s=30))
    await one.pass_s(12)
    assert gotos(one) == ["pintu-air"]
    await one.goto("pos")
    assert one.state.patrol == "waiting"
    await one.pass_s(145)
    assert gotos(one) == ["pintu-air", "pos"]
    await one.pass_s(10)
    assert gotos(one)[2:] == ["pintu-air"], "the stop that was cut off comes again"


async def test_a_preset_that_fails_is_skipped_told_in_health_and_never_a_busy_loop(site):
    one = await site(PtzSettings(patrol=PLAN))
    one.dome.is_dead = True
    tried = []
    goto = one.dome.goto

    async def counting(preset):
        tried.append(preset)
        await goto(preset)

    one.dome.goto = counting
    await one.pass_s(300, step_s=1)
    assert 8 <= len(tried) <= 12
    assert "pintu-air" in one.desk._ports.health.get("ptz ptz").reason
    assert set(one.state.failing) == {"pintu-air", "jalan"}
    one.dome.is_dead = False
    await one.pass_s(90)
    assert one.state.failing == {} and one.desk._ports.health.get("ptz ptz").state == "ok"


async def test_a_patrol_waits_for_an_open_incident_of_its_camera(site):
    plan = msgspec.structs.replace(PLAN, waits_for_incident=True)
    one = await site(PtzSettings(patrol=plan))
    await one.pass_s(12)
    opened = await one.hub.alerts.open_incident(
        Alert(key="k", text="orang", incident="i", event=await _seen(one), rule_id="r")
    )
    count = len(gotos(one))
    await one.pass_s(120)
    assert len(gotos(one)) == count
    await one.hub.alerts.acknowledge(opened.id, "Pak Budi", "web")
    await one.pass_s(30)
    assert len(gotos(one)) == count + 1


async def _seen(one):
    from hub_for_rules import event

    seen = event("object.person", "ptz")
    await one.hub.emit(seen)
    return seen


async def test_a_patrol_that_was_switched_off_stays_off_after_a_restart_and_leases_are_gone(site):
    one = await site(PtzSettings(home="jalan", patrol=PLAN), dome=TellingDome())
    await one.goto("pintu-air")
    await one.pass_s(5)
    await one.desk.patrol("ptz", BUDI, is_on=False)
    await site.end(one)
    again = await site(PtzSettings(home="jalan", patrol=PLAN), dome=TellingDome())
    assert again.state.lease is None and again.state.sent == "pintu-air" and again.state.patrol == "off"
    await again.pass_s(58)
    assert again.stands == "unknown"
    await again.pass_s(15)
    assert again.stands == "jalan", "a restart: home after its time"
    await again.desk.patrol("ptz", BUDI, is_on=True)
    await again.pass_s(2)
    assert again.state.patrol == "walking" and gotos(again)[-1] == "pintu-air"


async def test_after_a_restart_a_camera_that_says_where_it_looks_is_known_again(site):
    one = await site(PtzSettings(lease_s=1), dome=TellingDome())
    for preset in ("jalan", "pintu-air"):
        await one.goto(preset)
        await one.pass_s(6)
    await site.end(one)
    dome = TellingDome()
    dome.at = one.dome.at
    again = await site(PtzSettings(), dome=dome)
    await again.pass_s(2)
    assert again.stands == "pintu-air" and again.dome.told == []


async def test_a_camera_whose_plugin_learns_late_that_it_turns_is_found(site):
    one = await site()
    late = RecordingCamera()
    one.hub.cameras["sekolah"] = late
    assert one.desk.state("sekolah") is None
    late.ptz = Dome()
    await one.pass_s(6)
    assert [told.camera for told in one.eyes][-1] == "sekolah"
