"""The blueprints that Siaga brings: each is whole, passes its own tests, and does on recorded events what it says."""

import re
from functools import partial

import pytest
from blueprint_bench import BlueprintBench, faults_of, rules_of, sample_site
from hub_for_rules import built_in_words, until

from siaga.core.texts import Texts
from siaga.core.yaml_lines import plain
from siaga.rules.blueprints import BUILT_IN, inputs_in, library
from siaga.rules.reading import Spot

SHELF = library(built_in_words(), sample_site(), Texts("id"))
LIBRARY = {blueprint.name: blueprint for blueprint in SHELF.all()}
ASKED = (
    *("banjir-siaga", "tawuran", "penyusup", "mondar-mandir"),
    *("api-asap", "kerumunan", "kamera-padam", "disk-penuh", "sampah-liar", "lawan-arah", "berhenti"),
)
TESTS = [(name, test) for name, one in LIBRARY.items() for test in one.tests or ()]


def test_the_library_holds_what_it_promises():
    assert set(LIBRARY) == set(ASKED) == {file.stem for file in BUILT_IN.glob("*.yaml")}
    assert all(blueprint.is_built_in for blueprint in LIBRARY.values())


@pytest.mark.parametrize("name", LIBRARY)
def test_a_blueprint_is_right_and_speaks_both_languages(name):
    blueprint = LIBRARY[name]
    assert [str(problem) for problem in blueprint.problems] == []
    for said in (blueprint.label, blueprint.description, *(one.label for one in blueprint.inputs)):
        assert set(said) == {"id", "en"} and said["id"] != said["en"], said


@pytest.mark.parametrize("name", LIBRARY)
def test_every_input_of_a_blueprint_is_used(name):
    body = LIBRARY[name].body
    used = {str(spot.value) for key in body for spot in inputs_in(Spot(body, key, str(key)))}
    assert used == {one.name for one in LIBRARY[name].inputs}


@pytest.mark.parametrize("name", LIBRARY)
def test_a_blueprint_is_tested_for_what_it_does_and_for_when_it_stays_silent(name):
    tests = LIBRARY[name].tests
    assert any(test["expect"] for test in tests)
    assert name == "disk-penuh" or any(not test["expect"] for test in tests)
    for test in tests:
        assert [str(one) for one in rules_of(name, plain(test["input"])).problems] == []


@pytest.mark.parametrize(("name", "test"), TESTS, ids=[f"{name}: {test['name']}" for name, test in TESTS])
async def test_the_blueprints_own_tests_pass_with_everything_real(name, test, tmp_path):
    assert await faults_of(tmp_path, name, test) == []


@pytest.mark.parametrize("name", LIBRARY)
def test_a_message_says_where_when_and_who_else_was_told(name):
    text = (BUILT_IN / f"{name}.yaml").read_text("utf-8")
    for message in re.findall(r"message: >-\n((?: {8,}.+\n)+)", text.partition("\ntests:")[0]):
        said = " ".join(message.split())
        assert "Diberi tahu: {{ diberi_tahu }}." in said, said
        assert "jam }}" in said or "{{ air }}" in said, said
        assert "{{ tempat }}" in said or name == "disk-penuh", said


# --- journeys: recorded events, the real engine, the real alert desk, the real journal ------------


async def says(night, name, words):
    return any(words in text for text in (await night.notices()).get(name, ()))


def stage(come_from, to, level_cm, rise_cm_h=30):
    return {"from": come_from, "to": to, "level_cm": level_cm, "rise_cm_h": rise_cm_h, "confidence": 0.9}


async def test_a_night_of_flood_rises_is_answered_and_falls_again(tmp_path):
    inputs = {
        "kamera": "kali",
        "siaga_3": "posko",
        "siaga_2": ["posko", "lurah"],
        "siaga_1": ["posko", "lurah"],
        "ptz": "ptz",
        "preset": "pintu-air",
        "eskalasi_setelah": "20 min",
        "eskalasi_ke": "satpol",
    }
    async with BlueprintBench(tmp_path, "banjir-siaga", inputs, "2026-11-22 19:05") as night:
        await night.tell("flood.stage", "kali", data=stage(4, 3, 152))
        assert set(await night.notices()) == {"posko"}
        await night.go_to(61 * 60)  # an hour on: one reminder
        assert len(await night.told("posko", 2)) == 2
        await night.go_to(70 * 60)
        await night.tell("flood.stage", "kali", data=stage(3, 2, 203, 60))
        told = await night.notices()
        assert "SIAGA 2 (kritis)" in told["posko"][-1] and "SIAGA 2 (kritis)" in told["lurah"][-1]
        assert "20.15 WIB, naik 60 cm/jam" in told["lurah"][-1]
        await night.go_to(92 * 60)  # nobody answered in 20 minutes
        assert await night.told("satpol")
        (incident,) = {notice.incident_id for notice in await night.hub.outbox.all()}
        await night.hub.acknowledge(incident, "Pak Lurah", "web")
        await night.rest()
        await until(partial(says, night, "posko", "Pak Lurah"))
        before = len((await night.notices())["posko"])
        await night.go_to(101 * 60)  # every quarter of an hour, also when somebody has taken it
        assert len((await night.notices())["posko"]) > before
        await night.tell("flood.stage", "kali", data=stage(2, 4, 130, -50))
        assert "Air surut" in (await night.notices())["lurah"][-1]
        done = len(night.done)
        await night.go_to(5 * 3600, step_s=900)
        assert len(night.done) == done
    assert night.hub.dome.went_to == ["pintu-air", "pintu-air"]
    assert {clip[1] for clip in night.hub.bursts.values()} == {"kali", "ptz"}


async def test_a_reminder_of_the_flood_goes_on_after_a_restart_and_is_not_said_twice(tmp_path):
    inputs = {"kamera": "kali", "siaga_3": "posko", "siaga_2": "lurah", "siaga_1": "lurah"}
    async with BlueprintBench(tmp_path, "banjir-siaga", inputs, "2026-11-22 19:05") as before:
        await before.tell("flood.stage", "kali", data=stage(4, 3, 152))
        await before.go_to(20 * 60)
    async with BlueprintBench(tmp_path, "banjir-siaga", inputs, "2026-11-22 19:30") as after:
        await after.go_to(34 * 60)
        assert len((await after.notices())["posko"]) == 1
        await after.go_to(36 * 60)  # 20.06, an hour after the stage was told
        told = await after.told("posko", 2)
        assert len(told) == 2 and "Masih Siaga 3" in told[1] and "sejak 19.05 WIB" in told[1]
        await after.tell("flood.stage", "kali", data=stage(3, 2, 205))
        assert "SIAGA 2" in (await after.notices())["lurah"][-1]


async def test_an_intruder_sounds_the_siren_once_and_an_answer_ends_the_escalation(tmp_path):
    inputs = {"kamera": "sekolah", "kepada": "posko", "sirene": "sekolah", "eskalasi_ke": "lurah"}
    async with BlueprintBench(tmp_path, "penyusup", inputs, "2026-11-22 23:15") as night:
        await night.tell("object.person", "sekolah", score=0.8, data={"zones": ["halaman"]})
        await night.go_to(30)
        await night.tell("object.person", "sekolah", score=0.9, data={"zones": ["halaman"]})
        assert night.siren.switched == [("siren", True, 15.0)]
        told = await night.notices()
        assert list(told) == ["posko"] and len(told["posko"]) == 1
        (notice,) = await night.hub.outbox.all()
        assert notice.asks_answer and notice.clip == "clip-sekolah" and notice.priority == "high"
        await night.hub.acknowledge(notice.incident_id, "Petugas", "whatsapp")
        await night.go_to(30 * 60)
        assert "lurah" not in await night.notices()


async def test_a_team_and_whoever_is_on_duty_are_told_by_their_names_alone(tmp_path):
    inputs = {"kamera": "sekolah", "kepada": ["pimpinan", "jaga"], "eskalasi_setelah": "5 min", "eskalasi_ke": "damkar"}
    async with BlueprintBench(tmp_path, "penyusup", inputs, "2026-11-22 23:15") as night:
        await night.tell("object.person", "sekolah", score=0.8)
        told = await night.notices()
        assert set(told) == {"lurah", "satpol", "danru"}
        assert told["danru"][0].endswith("Diberi tahu: Pimpinan kelurahan, Jaga posko.")
        await night.go_to(6 * 60)
        assert await night.told("damkar")


async def test_an_intruder_whom_nobody_answers_is_passed_on(tmp_path):
    inputs = {"kamera": "sekolah", "kepada": "posko", "eskalasi_setelah": "5 min", "eskalasi_ke": "lurah"}
    async with BlueprintBench(tmp_path, "penyusup", inputs, "2026-11-22 23:15") as night:
        await night.tell("object.person", "sekolah", score=0.8)
        await night.go_to(4 * 60)
        assert "lurah" not in await night.notices()
        await night.go_to(6 * 60)
        assert len(await night.told("lurah")) == 1


async def test_a_suspected_brawl_goes_with_its_clip_to_a_person_who_judges(tmp_path):
    inputs = {"kamera": ["simpang", "gang"], "kepada": ["posko", "satpol"], "eskalasi_ke": "lurah"}
    async with BlueprintBench(tmp_path, "tawuran", inputs, "2026-11-22 23:50") as night:
        await night.tell("fight.suspected", "gang", score=0.7, data={"count": 9})
        notices = await night.hub.outbox.all()
        assert {notice.to for notice in notices} == {"posko", "satpol"}
        assert all(notice.text.startswith("DUGAAN tawuran di Gang Mawar, RW 05, 23.50 WIB") for notice in notices)
        assert {notice.clip for notice in notices} == {"clip-gang"}
        await night.go_to(6 * 60)
        assert await night.told("lurah")


async def test_a_fire_that_stays_is_told_once_and_a_second_look_needs_no_second_siren(tmp_path):
    inputs = {"kamera": "pasar", "kepada": ["posko", "damkar"], "sirene": ["pasar", "gang"]}
    async with BlueprintBench(tmp_path, "api-asap", inputs, "2026-11-22 02:14") as night:
        for second in range(0, 60, 3):
            await night.go_to(second)
            await night.tell("fire.smoke", "pasar", score=0.8, data={"area": 0.03})
        told = await night.notices()
        assert {name: len(texts) for name, texts in told.items()} == {"posko": 1, "damkar": 1}
        assert told["damkar"][0].startswith("ASAP terlihat di Pasar Kebon Baru, RW 05 sejak 02.14 WIB.")
        assert night.siren.switched == [("siren", True, 30.0)] * 2
        assert night.actions() == ["io.siren", "recording.burst", "notify"]
        await night.go_to(15 * 60)  # after the pause a fire is news again
        for second in (900, 906):
            await night.go_to(second)
            await night.tell("fire.flame", "pasar", score=0.9, data={"area": 0.2})
        await night.go_to(920)
        assert (await night.notices())["posko"][-1].startswith("API terlihat")


async def test_a_crowd_that_stays_is_told_with_its_number_and_each_place_for_itself(tmp_path):
    inputs = {"kamera": ["pasar", "taman"], "kepada": "satpol", "batas": 20, "selama": "2 min"}
    async with BlueprintBench(tmp_path, "kerumunan", inputs, "2026-11-22 16:00") as night:
        for second, camera, count in ((0, "pasar", 8), (20, "pasar", 25), (40, "taman", 22), (60, "pasar", 33)):
            await night.go_to(second, step_s=10)
            await night.tell("crowd.count", camera, data={"count": count})
        await night.go_to(100, step_s=10)
        await night.tell("crowd.count", "taman", data={"count": 15})  # these went home
        await night.go_to(300, step_s=10)
        (text,) = (await night.notices())["satpol"]
        assert text.startswith(
            "Kerumunan di Pasar Kebon Baru, RW 05: lebih dari 20 orang selama 2 menit, sejak 16.00 WIB"
        )
        await night.tell("crowd.count", "taman", data={"count": 40})
        await night.go_to(430, step_s=10)
        assert "Taman Honda" in (await night.notices())["satpol"][-1]


async def test_a_night_of_weak_wifi_tells_the_camera_that_stays_away_and_no_other(tmp_path):
    inputs = {"kamera": ["kali", "gang", "pasar"], "kepada": "teknisi", "selama": "3 min"}
    async with BlueprintBench(tmp_path, "kamera-padam", inputs, "2026-11-22 21:00") as night:
        for second in range(0, 300, 60):  # flaps, each time for less than three minutes
            await night.go_to(second)
            await night.tell("camera.offline", "gang", data={"stream": "main", "reason": "putus"})
            await night.tell("camera.online", "gang", data={"stream": "main"})
        await night.tell("camera.offline", "kali", data={"stream": "main", "reason": "tidak ada jawaban"})
        await night.go_to(600)
        (text,) = (await night.notices())["teknisi"]
        assert text.startswith(
            "Kamera putus: Kali Ciliwung, Jembatan Tongtek, RW 05, sejak 21.04 WIB (tidak ada jawaban)."
        )
        await night.tell("camera.tampered", "pasar", data={"what": "covered"})
        tampered = (await night.hub.outbox.all())[-1]
        assert tampered.priority == "high" and tampered.clip == "clip-pasar"


TOLD_ONCE = {
    # blueprint: (inputs, event, camera, data, what its message says)
    "mondar-mandir": ({"kamera": "gang", "kepada": "posko"}, "loiter.person", "gang", {"seconds": 90}, "1 menit 30"),
    "sampah-liar": ({"kamera": "gang", "kepada": "satpol"}, "dumping.suspected", "gang", {}, "Dugaan buang sampah"),
    "lawan-arah": ({"kamera": "simpang", "kepada": "satpol"}, "traffic.wrong_way", "simpang", {}, "melawan arah"),
    "berhenti": ({"kamera": "simpang", "kepada": "satpol"}, "traffic.stopped", "simpang", {"seconds": 90}, "berhenti"),
    "disk-penuh": (
        {"kepada": "teknisi"},
        "disk.low",
        None,
        {"free_bytes": 1_500_000_000, "min_free_bytes": 2_000_000_000},
        "sisa 1,5 GB",
    ),
}


@pytest.mark.parametrize(("name", "row"), TOLD_ONCE.items(), ids=TOLD_ONCE)
async def test_what_goes_on_is_told_once_with_its_clip(name, row, tmp_path):
    inputs, kind, camera, data, says = row
    async with BlueprintBench(tmp_path, name, inputs, "2026-11-22 23:00") as night:
        for second in (0, 20, 40):
            await night.go_to(second)
            await night.tell(kind, camera, score=0.8, data=data)
        (notice,) = await night.hub.outbox.all()
        assert says in notice.text and "23.00 WIB" in notice.text
        assert notice.clip == (f"clip-{camera}" if camera else None)
        states = [trace.state for trace in await night.engine.traces("uji")]
        assert states.count("finished") == 1 and "failed" not in states
