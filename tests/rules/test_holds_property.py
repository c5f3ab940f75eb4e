"""Whatever happens in whatever order: no time is over early, none is lost, none fires twice."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from hub_for_rules import EVENING, event, read_rules, settings
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from siaga.core.clock import ManualClock
from siaga.core.event_log import Committed
from siaga.core.states import StateBook
from siaga.core.texts import Texts
from siaga.rules.deciding import Decider
from siaga.rules.engine import index_of
from siaga.rules.holds import HoldBook
from siaga.rules.templates import TemplateBox

FOR_S = 300
RULES = f"""
- id: tahan
  triggers: [{{trigger: event, kind: flood.stage, to: 2, for: {FOR_S}}}]
  actions: [delay: 1]
  mode: parallel
  max: 1000
"""
DEEDS = st.one_of(
    st.tuples(st.just("tell"), st.sampled_from(["kali", "sekolah"]), st.booleans()),
    st.tuples(st.just("pass"), st.sampled_from([1, 30, 120, 299, 300, 301, 700])),
    st.tuples(st.just("set"), st.sampled_from([-86_400, -600, -7, 7, 600, 86_400])),
    st.tuples(st.just("die"), st.sampled_from([0, 40, 299, 300, 1_500])),
    st.tuples(
        st.just("refuse"),
    ),
)


class SetClock(ManualClock):
    """Have a wall clock that is set apart from the one that only runs."""

    set_by_s = 0.0

    def now(self):
        return super().now() + timedelta(seconds=self.set_by_s)

    def go(self, seconds):
        self._passed_s += seconds


class World:
    """Follow a journal as the engine does, with a disk that is a dict, and keep what should have happened beside it."""

    def __init__(self, rules) -> None:
        self.rules = rules
        self.clock = SetClock(EVENING)
        self.journal = []
        self.disk = {"cursor": 0, "holds": {}, "fired": []}
        self.refusals = 0
        self.true_s = 0.0  # what no clock of the hub can change
        self.since = {}  # camera -> when it began, by the true time
        self.expected = []
        self.open()

    def open(self):
        texts = Texts("id")
        site = settings()
        hub = SimpleNamespace(settings=site, clock=self.clock, texts=texts, states=StateBook())
        box = TemplateBox({}, site.site, self.clock, texts)
        self.book = HoldBook(self.clock)
        self.book.load(self.disk["holds"].values())
        self.decider = Decider(hub, box, index_of(self.rules), self.book)
        self.met = self.disk["cursor"]

    def stretch(self):
        """Meet what is new, then the times that are over; as one commit, which the disk may refuse."""
        while True:
            self.decider.begin({}, self.met)
            for committed in self.journal[self.met :]:
                self.decider.meet(committed)
            self.decider.meet_time(self.clock.mono_s())
            decided = self.decider.decided
            if self.refusals:
                self.refusals -= 1
                continue
            break
        for key, hold in decided.watched.holds.items():
            self.disk["holds"].pop(key, None)
            if hold is not None:
                self.disk["holds"][key] = hold
        self.disk["fired"] += [(row.event_id, self.true_s) for row, _ in decided.opened]
        assert not decided.drops
        self.met = self.disk["cursor"] = decided.until_seq
        self.decider.keep()

    def tell(self, camera, fits):
        one = event(camera=camera, at=self.clock.now(), data={"to": 2 if fits else 3})
        self.journal.append(Committed(seq=len(self.journal) + 1, event=one))
        if fits:
            self.since.setdefault(camera, (self.true_s, one.id))
        elif camera in self.since:
            began_s, event_id = self.since.pop(camera)
            if self.true_s - began_s >= FOR_S:
                self.expected.append(event_id)

    def go(self, seconds):
        self.clock.go(seconds)
        self.true_s += seconds

    def do(self, deed, *of):
        if deed == "tell":
            self.tell(*of)
        elif deed == "pass":
            # The engine wakes by itself when a time is over.
            left_s = self.book.left_s()
            while left_s is not None and left_s <= of[0]:
                self.go(left_s)
                of = (of[0] - left_s,)
                self.stretch()
                left_s = self.book.left_s()
            self.go(of[0])
        elif deed == "set":
            self.clock.set_by_s += of[0]
            if self.book.is_clock_set():
                self.stretch()
        elif deed == "die":
            wall = self.clock.now() + timedelta(seconds=of[0])
            self.true_s += of[0]
            self.clock = SetClock(wall)
            self.open()
        elif deed == "refuse":
            self.refusals = 1
        if deed != "refuse":
            self.stretch()


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    return read_rules(RULES, tmp_path_factory.mktemp("rules")).rules


@how(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=st.lists(DEEDS, max_size=25))
def test_a_time_is_over_exactly_once_and_never_early(deeds, rules):
    world = World(rules)
    began = {}
    for deed in deeds:
        world.do(*deed)
        began |= {event_id: began_s for began_s, event_id in world.since.values()}
    world.do("pass", FOR_S)
    still = [event_id for began_s, event_id in world.since.values() if world.true_s - began_s >= FOR_S]
    fired = [event_id for event_id, _ in world.disk["fired"]]
    assert sorted(fired) == sorted([*world.expected, *still]), "none lost, none twice"
    for event_id, at_s in world.disk["fired"]:
        assert at_s - began[event_id] >= FOR_S - 0.001, "none early"


@how(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=st.lists(DEEDS.filter(lambda deed: deed[0] != "die"), max_size=25))
def test_while_the_hub_runs_a_time_is_over_at_the_very_second(deeds, rules):
    world = World(rules)
    began = {}
    for deed in deeds:
        world.do(*deed)
        began |= {event_id: began_s for began_s, event_id in world.since.values()}
    for event_id, at_s in world.disk["fired"]:
        assert at_s - began[event_id] == pytest.approx(FOR_S, abs=0.001)
