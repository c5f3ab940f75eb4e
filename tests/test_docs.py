"""The documentation is true: its tables are those of the code, and every example of it works."""

import ast
import importlib.util
import re
import shlex
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest
import voluptuous as vol
from aiohttp import web
from alert_cases import advance, rest
from click.testing import CliRunner
from hub_for_rules import EVENING, close_hub, event, open_hub, until

from siaga.__main__ import main
from siaga.core.clock import ManualClock, SystemClock
from siaga.core.config import load_settings
from siaga.core.config_schemas import CAMERA, MEDIA, PLACE, PLUGINS, SECTIONS, SITE, STORAGE, WEB
from siaga.core.errors import AuthFailed, NotSupported
from siaga.core.json_schema import mapping_of
from siaga.core.people_schemas import CONTACT, ROTA, TEAM
from siaga.core.plugin_manager import PluginManager
from siaga.core.settings import SiteSettings
from siaga.core.texts import Texts, catalogue
from siaga.core.types import Event
from siaga.rules.editor_schemas import STEPS
from siaga.rules.engine import RuleEngine
from siaga.rules.parse import MODES, RULE, load_rules
from siaga.rules.templates import TemplateBox
from siaga.rules.trial.try_rule import result_text, try_rule
from siaga.rules.views import event_view, site_view, trigger_view
from siaga.testing import OwnServices

ROOT = Path(__file__).resolve().parent.parent
OPERATORS = ROOT / "docs" / "operators"
SECTION_SCHEMAS = (SITE, WEB, STORAGE, MEDIA, PLACE, CAMERA, PLUGINS, CONTACT, TEAM, ROTA)
PLUGIN_PAGE = ROOT / "docs" / "vendors" / "camera-plugin.md"

_spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs" / "make_reference.py")
reference = importlib.util.module_from_spec(_spec)
sys.modules["make_reference"] = reference
_spec.loader.exec_module(reference)

# What the examples of the rules' page speak of.
SITE = """
site: {name: Kelurahan Kebon Baru}
places:
  rw05: {name: RW 05, kind: rw}
cameras:
  kali: {type: demo, scene: canal, name: Kali Ciliwung, place: rw05}
  ptz-jembatan: {type: demo, scene: ptz}
  sekolah: {type: demo, scene: schoolyard, zones: {halaman: [[0, 0], [1, 0], [1, 1]]}}
  gang-mawar: {type: demo, scene: schoolyard}
notifiers:
  wa-posko: {type: log}
contacts:
  posko-rw05: {name: Posko, via: [{notifier: wa-posko, to: "1"}]}
  lurah: {name: Lurah, via: [{notifier: wa-posko, to: "2"}]}
links:
  sensor: {type: mqtt, host: 10.0.5.9, subscribe: ["pompa/#"]}
"""


@pytest.fixture(scope="module")
def plugins():
    manager = PluginManager(None, in_hub=True)
    manager.load()
    return manager


@pytest.fixture(scope="module")
def made():
    return reference.parts()


def blocks(file, language, note=""):
    """Return the fenced blocks of a page, those without indentation."""
    return re.findall(rf"^```{language}{note}\n(.*?)^```", file.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def lay_out(folder, text):
    """Write a configuration, the secrets it asks for, and what it includes; return its file."""
    names = re.findall(r"!secret (\w+)", text)
    (folder / "secrets.yaml").write_text("".join(f"{name}: kata-sandi-{name}\n" for name in names), "utf-8")
    (folder / "secrets.yaml").chmod(0o600)
    for name in re.findall(r"!include (\S+)", text):
        (folder / name).write_text("contoh: {type: demo, scene: canal}\n", "utf-8")
    for name in re.findall(r"!include_dir (\S+)", text):
        (folder / name).mkdir(exist_ok=True)
    file = folder / "config.yaml"
    file.write_text(text if re.search(r"^site:", text, re.MULTILINE) else f"site: {{name: Uji}}\n{text}", "utf-8")
    return file


def problems(file, plugins):
    """Return what `siaga check` would say about a configuration with its rules."""
    loaded = load_settings(file, plugins)
    told = [str(problem) for problem in loaded.problems]
    if loaded.settings is not None:
        rules = load_rules(loaded.settings.rules, plugins, loaded.settings, Texts("id"))
        told += [str(problem) for problem in rules.problems]
    return told


# --- the tables ---------------------------------------------------------------------------------


@pytest.mark.parametrize("file", reference.FILES, ids=lambda file: file.name)
def test_the_tables_and_contracts_are_those_of_the_code(file, made):
    text = file.read_text("utf-8")
    assert reference.renewed(text, made) == text, "run: python docs/make_reference.py"


def test_every_key_and_every_contract_stands_in_the_documentation(made):
    shown = {found["name"] for file in reference.FILES for found in reference.PART.finditer(file.read_text("utf-8"))}
    shown_bodies = {made[name] for name in shown}
    assert {name for name, body in made.items() if name not in shown and body not in shown_bodies} == set()


@pytest.mark.parametrize("key", ["password", vol.Optional("password"), vol.Optional("password", description="secret")])
def test_a_key_without_a_description_in_both_languages_is_refused(key):
    with pytest.raises(reference.Unspoken, match="password"):
        reference.options(vol.Schema({key: str}), "cameras new")


def test_a_validator_without_a_word_is_refused():
    with pytest.raises(reference.Unspoken):
        reference.options(vol.Schema({vol.Optional("port", description="web.option.port"): lambda value: value}), "web")


def test_what_is_said_about_the_defaults_of_a_rule_is_so(tmp_path, plugins):
    file = lay_out(tmp_path, f"{SITE}rules:\n  - id: a\n    triggers: {{trigger: event, kind: hub.start}}\n")
    file.write_text(file.read_text() + "    actions: [{action: log, data: {message: x}}]\n")
    settings = load_settings(file, plugins).settings
    (rule,) = load_rules(settings.rules, plugins, settings, Texts("id")).rules
    assert (rule.is_enabled, rule.mode, rule.max_runs, rule.is_drop_logged) == (True, "single", 10, True)
    assert rule.steps[0].goes_on and rule.steps[0].is_enabled


def test_no_word_of_the_language_is_undocumented(made, plugins):
    """Every trigger, condition, action, filter, function, kind of event and field stands in an operator's page."""
    pages = {page.stem: page.read_text("utf-8") for page in OPERATORS.glob("*.md")}
    everything = "\n".join(pages.values())
    words = [*plugins.triggers, *plugins.conditions, *plugins.actions, *plugins.notifiers, *plugins.cameras]
    words += [*plugins.detectors, *plugins.links, *plugins.template_functions]
    words += [kind for kind in plugins.event_kinds if not kind.startswith("object.")]
    words += [field for kind in plugins.event_kinds.values() for field in kind.fields]
    words += [str(key) for schema in (RULE, *STEPS.values(), *SECTION_SCHEMAS) for key in mapping_of(schema)]
    words += [*SECTIONS, *MODES]
    stands = [re.compile(rf"(?<![\w.]){re.escape(word)}(?![\w])").search(everything) for word in words]
    missing = sorted({word for word, found in zip(words, stands, strict=True) if not found})
    assert missing == []
    box = TemplateBox(plugins.template_functions, SiteSettings(id="x", name="X"), SystemClock(), Texts("id"))
    functions = [name for name in box.names() if f"`{name}" not in pages["templat"]]
    assert functions == []


def test_every_message_about_a_mistake_stands_on_the_page_of_mistakes(made):
    page = (OPERATORS / "kesalahan.md").read_text("utf-8")
    for name in ("yaml", "check", "template"):
        assert made[f"mistakes {name}"].count("\n") > 8
        assert made[f"mistakes {name}"] in page


# --- the examples -------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["README.md", "docs/operators/konfigurasi.md", "docs/operators/whatsapp.md"])
def test_every_example_of_a_configuration_is_right(page, tmp_path, plugins):
    found = blocks(ROOT / page, "yaml")
    assert found
    for number, block in enumerate(found):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert problems(lay_out(folder, block), plugins) == [], block


@pytest.mark.parametrize("page", ["aturan", "tindakan"])
def test_every_example_of_a_rule_is_right(page, tmp_path, plugins):
    found = blocks(OPERATORS / f"{page}.md", "yaml")
    assert len(found) > 2
    for block in found:
        if not block.startswith("- "):
            rest = "" if "triggers:" in block else "triggers: {trigger: event, kind: object.person}\n"
            rest += "" if "actions:" in block else "actions: {action: snapshot}\n"
            block = "- id: uji\n" + "".join(f"  {line}\n" for line in (rest + block).splitlines())
        folder = tmp_path / "site"
        folder.mkdir(exist_ok=True)
        assert problems(lay_out(folder, f"{SITE}rules:\n{block}"), plugins) == [], block


def alert_page():
    """Return the configuration and the rules of the page about alerts as one."""
    page = OPERATORS / "peringatan.md"
    people, rules = blocks(page, "yaml")[0], blocks(page, "yaml", " rules")[0]
    kali = "cameras:\n  kali: {type: demo, scene: canal, name: Kali Ciliwung}\n"
    return f"site: {{name: Kelurahan Kebon Baru}}\n{people}{kali}rules:\n{rules}"


def test_the_people_and_the_rules_of_the_page_about_alerts_are_right(tmp_path, plugins):
    assert problems(lay_out(tmp_path, alert_page()), plugins) == []


async def test_the_alert_of_the_page_goes_as_the_page_says(tmp_path, plugins):
    settings = load_settings(lay_out(tmp_path, alert_page()), plugins).settings
    hub = await open_hub(tmp_path / "siaga.db", ManualClock(EVENING), site=settings)
    engine = RuleEngine(hub, load_rules(settings.rules, plugins, settings, hub.texts))
    await engine.start()
    try:
        for stage in (3, 2, 2):
            data = {"to": stage, "from": 4, "level_cm": 205, "confidence": 0.9}
            await hub.emit(event("flood.stage", at=hub.clock.now(), data=data))
        await until(lambda: has_told(hub, 2))
        await advance(hub, 310)
        await until(lambda: has_told(hub, 4))
        await reply_from(hub, "+6281200000002", "Siap, meluncur")
        await reply_from(hub, "+6281200000001", "ok")
        told = [(notice.to[-1], notice.text) for notice in await hub.outbox.all()]
        assert told == [
            ("1", "SIAGA 2: air 205 cm pada 19.05 WIB"),
            ("2", "SIAGA 2: air 205 cm pada 19.05 WIB"),
            ("1", "BELUM DITANGGAPI 5 menit: SIAGA 2: air 205 cm pada 19.05 WIB"),
            ("2", "BELUM DITANGGAPI 5 menit: SIAGA 2: air 205 cm pada 19.05 WIB"),
            ("1", "Pak Budi (Satpol PP) menanggapi: Kali Ciliwung Siaga 2 (pukul 19.10)"),
            ("2", "Terima kasih, tercatat: Anda menanggapi 'Kali Ciliwung Siaga 2'."),
            ("1", "Insiden 'Kali Ciliwung Siaga 2' sudah ditanggapi Pak Budi (Satpol PP) pukul 19.10."),
        ]
        await hub.emit(event("flood.stage", at=hub.clock.now(), data={"to": 4, "from": 2, "level_cm": 90}))
        await until(lambda: is_closed(hub))
    finally:
        await close_hub(hub, engine)


async def has_told(hub, count):
    return len(await hub.outbox.all()) >= count


async def is_closed(hub):
    return (await hub.alerts.incident("kali-siaga-2/kali")).note == "air surut"


async def reply_from(hub, sender, text):
    data = {"notifier": "wa-posko", "sender": sender, "text": text, "reply_to": None, "button": None, "name": ""}
    await hub.emit(event("notice.reply", camera=None, at=hub.clock.now(), data=data))
    await rest(hub)


def test_what_the_page_about_alerts_quotes_is_what_siaga_says():
    texts = [both["id"] for key, both in catalogue().items() if key.startswith("alerts.")]
    patterns = [re.compile(re.sub(r"\\{\w+\\}", ".*", re.escape(text))) for text in texts]
    quoted = re.findall(r"“(.+?)”", (OPERATORS / "peringatan.md").read_text("utf-8"))
    assert len(quoted) == 2 and all(any(one.match(words) for one in patterns) for words in quoted)


def test_every_template_gives_what_the_page_says(tmp_path, plugins):
    settings = load_settings(lay_out(tmp_path, SITE), plugins).settings
    box = TemplateBox(plugins.template_functions, settings.site, SystemClock(), Texts("id"))
    event = Event(
        id="1",
        site="x",
        kind="flood.stage",
        at=datetime(2026, 11, 22, 12, 5, tzinfo=timezone.utc),
        camera="kali",
        score=0.9,
        data={"level_cm": 212.4, "to": 2, "from": 3},
    )
    view = event_view(event, settings, box.zone)
    variables = {"trigger": trigger_view("0", "event", view, 0.0), "site": site_view(settings)}
    rows = re.findall(r"^\| `(.*\{\{.*)` \| (.+) \|$", (OPERATORS / "templat.md").read_text("utf-8"), re.MULTILINE)
    assert len(rows) > 8
    for template, result in rows:
        assert str(box.render(template.replace(r"\|", "|"), variables)) == result, template


def test_the_first_steps_lead_to_a_configuration_that_is_right(tmp_path, plugins):
    config, _ = first_steps(tmp_path)
    answer = CliRunner().invoke(main, ["check", str(config)])
    (right,) = blocks(OPERATORS / "mulai.md", "text", " right")
    assert (answer.exit_code, answer.stdout) == (0, right)
    # The later sections replace parts of it.
    for number, block in enumerate(blocks(OPERATORS / "mulai.md", "yaml")[1:]):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert problems(lay_out(folder, block), plugins) == [], block


def test_the_mistakes_that_the_first_steps_show_are_told_in_those_words(tmp_path):
    config, rules = first_steps(tmp_path)
    text = config.read_text("utf-8")
    config.write_text(text.replace("username:", "usernam:").replace("[person]", "[persen]"), "utf-8")
    rules.write_text(rules.read_text("utf-8").replace("contact: posko", "contact: poskoo"), "utf-8")
    answer = CliRunner().invoke(main, ["check", str(config)])
    (wrong,) = blocks(OPERATORS / "mulai.md", "text", " wrong")
    assert (answer.exit_code, answer.output) == (1, wrong)


def first_steps(folder):
    page = OPERATORS / "mulai.md"
    file = lay_out(folder, blocks(page, "yaml")[0])
    (folder / "secrets.yaml").write_text(blocks(page, "yaml", " secrets")[0], "utf-8")
    rules = folder / "aturan" / "keamanan.yaml"
    rules.write_text(blocks(page, "yaml", " rules")[0], "utf-8")
    return file, rules


def test_what_the_first_steps_quote_is_what_siaga_says():
    texts = [re.escape(both["id"]) for both in catalogue().values()]
    patterns = [re.compile(re.sub(r"\\{\w+\\}", ".*", text)) for text in texts]
    quoted = re.findall(r"“(.+?)”", (OPERATORS / "mulai.md").read_text("utf-8").split("## Bila ada yang salah")[1])
    assert len(quoted) > 8
    for words in quoted:
        assert any(one.match(words) or words in one.pattern.replace("\\", "") for one in patterns), words


@pytest.mark.parametrize("page", sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")]), ids=lambda page: page.name)
def test_every_command_and_every_link_of_a_page_leads_somewhere(page):
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", text):
        assert (page.parent / target).exists(), target
    for line in "".join(blocks(page, "sh")).splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["siaga"] and words[1:2] != ["--version"]:
            command = main.commands[words[1]]
            command = command.commands[words[2]] if hasattr(command, "commands") else command
            options = {name for parameter in command.params for name in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= options, line


# --- the plugin ---------------------------------------------------------------------------------


async def test_the_plugin_of_the_page_runs_as_it_stands(tmp_path):
    source, own_events = blocks(PLUGIN_PAGE, "python")[0], blocks(PLUGIN_PAGE, "python")[-1]
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "nusacam.py").write_text(source, "utf-8")
    ast.parse(own_events)
    config = lay_out(tmp_path, blocks(PLUGIN_PAGE, "yaml")[0])
    manager = PluginManager(tmp_path, in_hub=True)
    manager.load()
    loaded = load_settings(config, manager)
    assert loaded.problems == ()
    settings = loaded.settings.cameras["jembatan"]
    async with OwnServices(tmp_path) as services:
        camera = manager.make(manager.cameras["nusacam"], settings, services)
        await camera.start()
        main_stream, sub_stream = await camera.streams()
        await camera.stop()
    assert (main_stream.role, main_stream.url) == ("main", "rtsp://10.0.5.31/ch1/0")
    assert (sub_stream.role, sub_stream.url) == ("sub", "rtsp://10.0.5.31/ch1/1")
    assert (main_stream.username, main_stream.password) == ("petugas", "kata-sandi-jembatan")


async def test_the_plugin_of_the_page_turns_a_camera_and_tells_its_errors(tmp_path):
    asked = []

    async def ptz(request):
        asked.append((request.match_info["what"], dict(request.query)))
        if request.headers.get("Authorization") != "Basic cGV0dWdhczpyYWhhc2lh":
            return web.Response(status=401)
        if request.query.get("name") == "tidak-ada":
            return web.Response(status=404)
        return web.json_response({"names": ["gerbang"]})

    app = web.Application()
    app.router.add_get("/ptz/{what}", ptz)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    module = {"__name__": "nusacam"}
    exec(compile(blocks(PLUGIN_PAGE, "python")[0], "nusacam.py", "exec"), module)
    options = module["SCHEMA"]({"host": "127.0.0.1", "http_port": port, "username": "petugas", "password": "rahasia"})
    try:
        async with OwnServices(tmp_path) as services:
            turning = module["NusaPtz"](options, services)
            assert await turning.presets() == ("gerbang",)
            await turning.goto("gerbang")
            assert asked[-1] == ("goto", {"name": "gerbang"})
            with pytest.raises(NotSupported):
                await turning.goto("tidak-ada")
            with pytest.raises(AuthFailed):
                await module["NusaPtz"](options | {"password": "salah"}, services).stop()
    finally:
        await runner.cleanup()


def test_the_rule_of_the_page_about_tests_passes_its_own_tests(tmp_path, plugins):
    (block,) = blocks(OPERATORS / "uji-aturan.md", "yaml")
    settings = load_settings(lay_out(tmp_path, f"{SITE}rules:\n{block}"), plugins).settings
    loaded = load_rules(settings.rules, plugins, settings, Texts("id"))
    assert loaded.problems == () and loaded.rules[0].test_problems == ()
    results = try_rule(loaded.rules[0], settings, Texts("id"), plugins.template_functions)
    assert [result_text(result, Texts("id")).split()[0] for result in results] == ["lulus", "lulus"]


def test_the_example_rules_pass_their_own_tests(plugins):
    settings = load_settings(ROOT / "config.example.yaml", plugins).settings
    loaded = load_rules(settings.rules, plugins, settings, Texts("id"))
    results = [
        one for rule in loaded.rules for one in try_rule(rule, settings, Texts("id"), plugins.template_functions)
    ]
    assert len(results) >= 3
    assert [result_text(result, Texts("id")) for result in results if not result.has_passed] == []
