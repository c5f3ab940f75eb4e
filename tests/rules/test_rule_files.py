"""Rules that are changed while the hub runs: taken at once when they are right, told when they are not."""

import asyncio
import os
import shutil
import textwrap
from contextlib import asynccontextmanager
from functools import partial

import pytest
from hub_for_rules import built_in_words, close_hub, event, open_hub, until

from siaga.core.clock import SystemClock
from siaga.core.config import load_settings
from siaga.core.tasks import Tasks
from siaga.rules.blueprints import folders_of
from siaga.rules.engine import RuleEngine
from siaga.rules.file_watch import FileWatch
from siaga.rules.parse import load_rules
from siaga.rules.rule_files import RuleFiles

CONFIG = """\
site: {name: Kelurahan Kebon Baru}
cameras:
  kali: {type: demo, scene: canal, name: Kali Ciliwung}
notifiers:
  catatan: {type: log}
contacts:
  posko: {name: Posko, via: [{notifier: catatan, to: posko}]}
rules: !include_dir rules
"""
WAITS = """\
- id: menunggu
  triggers: {trigger: event, kind: flood.stage, camera: kali}
  actions:
    - {delay: {minutes: 5}}
    - {action: log, data: {message: selesai}}
"""
LOGS = """\
- id: mencatat
  triggers: {trigger: event, kind: object.person}
  actions: {action: log, data: {message: satu}}
"""


class Site:
    """A folder of real files, a real engine, and what follows the files."""

    def __init__(self, folder, hub, engine, files):
        self.folder, self.hub, self.engine, self.files = folder, hub, engine, files

    def write(self, name, text):
        (self.folder / name).write_text(text, "utf-8")

    async def told(self, kind):
        return [item.event.data for item in reversed(await self.hub.events.find(kind=kind, limit=50))]

    async def states(self):
        return {rule.id: rule.is_on for rule in await self.engine.rules()}

    async def ends(self, rule_id, state="finished"):
        traces = await self.engine.traces(rule_id)
        return bool(traces) and traces[0].state == state


@asynccontextmanager
async def site(folder, *, follow=False, **watch):
    (folder / "rules").mkdir()
    (folder / "config.yaml").write_text(CONFIG, "utf-8")
    (folder / "rules" / "a.yaml").write_text(WAITS, "utf-8")
    (folder / "rules" / "b.yaml").write_text(LOGS, "utf-8")
    words = built_in_words()
    found = load_settings(folder / "config.yaml", words)
    assert found.problems == ()
    hub = await open_hub(folder / "siaga.db", site=found.settings)
    hub.problems = found.problems
    engine = RuleEngine(hub, load_rules(found.settings.rules, words, found.settings, hub.texts))
    folders = (folder, folder / "rules")
    files = RuleFiles(hub, engine, watch=FileWatch(lambda: folders, rest_s=0.05, **watch) if follow else None)
    await engine.start()
    if follow:
        await files.start()
    try:
        yield Site(folder, hub, engine, files)
    finally:
        await files.stop()
        await close_hub(hub, engine)


async def test_a_new_rule_a_changed_one_and_one_that_went_are_told(tmp_path):
    async with site(tmp_path) as here:
        here.write("rules/b.yaml", LOGS.replace("satu", "dua"))
        here.write("rules/c.yaml", LOGS.replace("mencatat", "baru"))
        (tmp_path / "rules" / "a.yaml").unlink()
        outcome = await here.files.reload()
        assert outcome.is_taken
        assert (outcome.added, outcome.changed, outcome.removed) == (("baru",), ("mencatat",), ("menunggu",))
        assert await here.states() == {"mencatat": True, "baru": True}
        await until(lambda: here.told("rules.reloaded"))
        told = {"added": ["baru"], "changed": ["mencatat"], "removed": ["menunggu"], "off": [], "restart": []}
        assert await here.told("rules.reloaded") == [told]


async def test_a_rule_that_has_not_changed_keeps_its_run(tmp_path):
    async with site(tmp_path) as here:
        await here.hub.emit(event())
        await until(lambda: here.ends("menunggu", "running"))
        here.write("rules/a.yaml", "# sebuah catatan\n\n" + WAITS)
        here.write("rules/b.yaml", LOGS.replace("satu", "dua"))
        outcome = await here.files.reload()
        assert outcome.changed == ("mencatat",)
        await here.hub.clock.advance(301)
        await until(lambda: here.ends("menunggu"))


async def test_a_rule_that_became_wrong_is_shown_and_off_and_the_others_run(tmp_path):
    async with site(tmp_path) as here:
        here.write("rules/b.yaml", LOGS.replace("object.person", "object.persn"))
        outcome = await here.files.reload()
        assert outcome.is_taken and outcome.off == ("mencatat",)
        assert [str(problem).split(": ")[0] for problem in outcome.problems] == ["rules/b.yaml:2"]
        assert await here.states() == {"menunggu": True, "mencatat": False}
        await until(lambda: here.told("rule.off"))
        assert [data["rule"] for data in await here.told("rule.off")] == ["mencatat"]
        here.write("rules/b.yaml", LOGS)
        assert (await here.files.reload()).off == ()
        assert await here.states() == {"menunggu": True, "mencatat": True}


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("rules/b.yaml", LOGS + "- id: x\n  alias: 'lupa\n", "rules/b.yaml:5:10"),
        ("rules/b.yaml", "- id: [\n", "rules/b.yaml:2"),
        ("config.yaml", CONFIG.replace("scene: canal", "scene: cnal"), "config.yaml:3"),
        ("config.yaml", CONFIG.replace("rules", "rulse"), "config.yaml:8"),
        ("config.yaml", CONFIG.replace("!include_dir rules", "!include_dir rulse"), "config.yaml:8"),
        ("config.yaml", "", "config.yaml:1"),
    ],
)
async def test_what_cannot_be_read_or_breaks_another_section_changes_nothing(tmp_path, name, text, where):
    async with site(tmp_path) as here:
        here.write("rules/a.yaml", WAITS.replace("selesai", "lain"))
        here.write(name, text)
        outcome = await here.files.reload()
        assert not outcome.is_taken
        assert str(outcome.problems[0]).startswith(f"{where}: ")
        assert await here.states() == {"menunggu": True, "mencatat": True}
        assert [data["reason"] for data in await here.told("config.refused")] == [str(outcome.problems[0])]
        assert await here.told("rules.reloaded") == []


async def test_a_mistake_that_the_hub_runs_with_already_keeps_no_rule_out(tmp_path):
    async with site(tmp_path) as here:
        wrong = CONFIG.replace("notifiers:", "  gang: {type: demo, scene: cnal}\nnotifiers:")
        here.write("config.yaml", wrong)
        here.hub.problems = load_settings(tmp_path / "config.yaml", built_in_words()).problems
        here.write("rules/c.yaml", LOGS.replace("mencatat", "baru"))
        assert (await here.files.reload()).added == ("baru",)


async def test_people_are_taken_at_once_and_the_rest_is_said_to_need_a_restart(tmp_path):
    async with site(tmp_path) as here:
        text = CONFIG.replace("cameras:\n", "cameras:\n  gang: {type: demo, scene: canal}\n")
        text = text.replace("contacts:\n", "contacts:\n  lurah: {name: Lurah, via: [{notifier: catatan, to: l}]}\n")
        here.write("config.yaml", text + "storage: {keep_days: 3}\nplugins: {disabled: [links.mqtt]}\n")
        rule = LOGS.replace("mencatat", "baru").replace("{action: log, data: {message: satu}}", "ACTION")
        tell = "{action: notify, target: {contact: lurah}, data: {message: x}}"
        here.write("rules/c.yaml", rule.replace("ACTION", tell))
        outcome = await here.files.reload()
        assert outcome.is_taken and outcome.restart == ("storage", "cameras", "plugins")
        assert (outcome.added, outcome.off) == (("baru",), ())
        assert list(here.hub.settings.contacts) == ["lurah", "posko"]
        assert list(here.hub.settings.cameras) == ["kali"]
        # A rule on a camera that is there only after the restart is off until then.
        here.write(
            "rules/d.yaml", LOGS.replace("mencatat", "gang").replace("object.person", "motion.start, camera: gang")
        )
        assert (await here.files.reload()).off == ("gang",)


async def test_reading_again_without_a_change_tells_only_who_asked(tmp_path):
    async with site(tmp_path) as here:
        for _ in range(2):
            outcome = await here.files.reload()
            assert outcome.is_taken and not outcome.has_changes
        assert len(await here.told("rules.reloaded")) == 2


# --- the files themselves -----------------------------------------------------------------------


@pytest.mark.parametrize("watch", [{}, {"with_inotify": False, "look_every_s": 0.05}], ids=["inotify", "looking"])
async def test_a_saved_file_is_taken_by_itself(tmp_path, watch):
    async with site(tmp_path, follow=True, **watch) as here:
        here.write("rules/c.yaml", LOGS.replace("mencatat", "baru"))
        await until(lambda: here.told("rules.reloaded"))
        assert (await here.told("rules.reloaded"))[0]["added"] == ["baru"]


async def test_an_editor_that_writes_beside_and_renames_is_met_each_time(tmp_path):
    async with site(tmp_path, follow=True) as here:
        for number in range(3):
            beside = tmp_path / "rules" / ".b.yaml.swp"
            beside.write_text(LOGS.replace("satu", f"nomor {number}"), "utf-8")
            beside.replace(tmp_path / "rules" / "b.yaml")
            await until(partial(_has_reloaded, here, number + 1))


async def _has_reloaded(here, count):
    return len(await here.told("rules.reloaded")) == count


async def test_a_file_that_is_written_in_pieces_is_taken_once_and_whole(tmp_path):
    async with site(tmp_path, follow=True, with_inotify=False, look_every_s=0.01) as here:
        whole = LOGS + LOGS.replace("mencatat", "kedua") + LOGS.replace("mencatat", "ketiga")
        with (tmp_path / "rules" / "b.yaml").open("w", encoding="utf-8") as file:
            for start in range(0, len(whole), 40):
                file.write(whole[start : start + 40])
                file.flush()
                await asyncio.sleep(0)
        await until(lambda: here.told("rules.reloaded"))
        assert (await here.told("rules.reloaded"))[0]["added"] == ["kedua", "ketiga"]
        assert await here.told("config.refused") == []


async def test_a_folder_that_goes_and_comes_back_costs_no_rule(tmp_path):
    async with site(tmp_path, follow=True, with_inotify=False, look_every_s=0.02) as here:
        shutil.move(tmp_path / "rules", tmp_path / "away")
        await until(lambda: here.told("config.refused"))
        assert await here.states() == {"menunggu": True, "mencatat": True}
        shutil.move(tmp_path / "away", tmp_path / "rules")
        await until(lambda: _is_taken(here))
        assert await here.states() == {"menunggu": True, "mencatat": True}


async def _is_taken(here):
    return here.files.last is not None and here.files.last.is_taken


async def test_what_is_no_yaml_wakes_nobody(tmp_path):
    (tmp_path / "a.yaml").write_text("a: 1\n")
    watch = FileWatch(lambda: (tmp_path,), rest_s=0.01, look_every_s=0.01, with_inotify=False)
    tasks = Tasks(SystemClock())
    handle = tasks.start("changed", watch.changed)
    for name in ("siaga.db", "b.yaml~", ".c.yaml", "_d.yaml", "4913"):
        (tmp_path / name).write_text("x")
    assert not await handle.wait(0.1)
    os.utime(tmp_path / "a.yaml", ns=(1, 1))
    assert await handle.wait(5)
    await tasks.stop()


async def test_a_log_that_grows_in_the_same_folder_feeds_on_itself_never(tmp_path, caplog):
    caplog.set_level("INFO", logger="watchfiles")
    (tmp_path / "a.yaml").write_text("a: 1\n")
    watch = FileWatch(lambda: (tmp_path,), rest_s=0.01, look_every_s=60)
    tasks = Tasks(SystemClock())
    handle = tasks.start("changed", watch.changed)
    tasks.start("listen", watch.listen)
    for number in range(8):
        (tmp_path / "log.txt").write_text("x" * number)
        assert not await handle.wait(0.1)
    assert "watchfiles" not in caplog.text
    os.utime(tmp_path / "a.yaml", ns=(1, 1))
    assert await handle.wait(10)
    await tasks.stop()


async def test_a_changed_blueprint_changes_the_rules_that_use_it_also_in_a_folder_of_its_own(tmp_path):
    async with site(tmp_path) as here:
        (tmp_path / "blueprints" / "rw05").mkdir(parents=True)
        text = "blueprint: {name: Catat}\n" + textwrap.dedent(LOGS.partition("\n")[2])
        here.write("blueprints/rw05/catat.yaml", text)
        here.write("rules/b.yaml", "- id: mencatat\n  use_blueprint: {path: rw05/catat}\n")
        assert (await here.files.reload()).problems == ()
        assert folders_of(tmp_path) == (tmp_path / "blueprints", tmp_path / "blueprints" / "rw05")
        here.write("blueprints/rw05/catat.yaml", text.replace("satu", "tiga"))
        assert (await here.files.reload()).changed == ("mencatat",)
        here.write("blueprints/rw05/catat.yaml", text.replace("object.person", "object.persn"))
        outcome = await here.files.reload()
        assert outcome.off == ("mencatat",)
        assert str(outcome.problems[0]).startswith("blueprints/rw05/catat.yaml:2: ")
        assert await here.states() == {"menunggu": True, "mencatat": False}
