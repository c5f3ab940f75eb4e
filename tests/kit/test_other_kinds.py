"""The checks of detectors, stores, notifiers and actions: each fault is seen by the check that is meant for it."""

import pytest
from click.testing import CliRunner

from siaga.__main__ import main
from siaga.testing import ActionConformance, DetectorConformance, NotifierConformance, StoreConformance

pytest_plugins = ["pytester"]
SUITES = {
    "detector": DetectorConformance,
    "store": StoreConformance,
    "notifier": NotifierConformance,
    "action": ActionConformance,
}
# A fault put into what `siaga plugin new` writes, and the one check that must see it.
BAD = {
    "detector": [
        ("return ()\n        mean", "raise ValueError('no picture')\n        mean", "odd_pictures"),
        ("mean = float(", "frame.luma[0, 0] = 0; mean = float(", "leaves_pictures"),
        ("self._usual = mean\n", "self._usual = mean; self.kept = [*getattr(self, 'kept', ()), frame]\n", "hoard"),
        ('"to": round(mean)', '"to": object()', "answers_can_travel"),
        ('"to": round(mean)', '"now": round(mean)', "is_documented"),
        ("self._usual: float | None = None", "open('x.txt', 'w').close(); self._usual = None", "reaches_nothing"),
        (
            "before, self._usual = self._usual,",
            "before, type(self).shared = getattr(type(self), 'shared', None),",
            "do_not_hear",
        ),
        ("def look(self, frame: Frame | None, context: LookContext)", "def look(self, frame)", "every_method"),
        (
            "    def look(self, frame: Frame",
            "    def resume(self, told):\n        self._usual = told['%WORD%.changed']['to']\n\n"
            "    def look(self, frame: Frame",
            "goes_on",
        ),
        ("before is None or", "before is None or (context.mono_s - 80_000 > 0 and 1 / 0) or", "time_that_stands"),
    ],
    "store": [
        ("part.write_bytes(content)", "part.write_bytes(content[:100_000])", "comes_back"),
        ("if place == root or not place.is_relative_to(root):", "if False:", "outside"),
        (
            'except OSError as err:\n            raise StoreFailed(f"{relative}',
            'except KeyError as err:\n            raise StoreFailed(f"{relative}',
            "not_there",
        ),
        (
            "else (root / relative)",
            "else (root / relative[:40])",
            "names_of_people",
        ),
        (
            "part.write_bytes(content)\n            part.replace(place)",
            "place.write_bytes(content[:9]); time.sleep(0.05); place.write_bytes(content)",
            "given_up",
        ),
        ("return (await asyncio.to_thread(shutil.disk_usage, self._root)).free", "return 0.5", "room_is"),
        ('raise StoreFailed(f"{place}: {err.strerror}")', "raise StoreFailed('')", "out_of_order"),
        (
            "await asyncio.to_thread(self._write, self._place(relative), content)",
            "time.sleep(0.5); self._write(self._place(relative), content)",
            "never_blocks",
        ),
        ("async def free_bytes(self) -> int:", "async def room(self) -> int:", "every_method"),
    ],
    "notifier": [
        (
            'raise SendFailed("tidak dapat dihubungi", verdict="retry")',
            'raise SendFailed("x", verdict="give_up")',
            "right_verdict",
        ),
        ("except TimeoutError as err", "except ZeroDivisionError as err", "right_verdict"),
        ("except aiohttp.ClientError as err:", "except ZeroDivisionError as err:", "garbage_is"),
        ("provider_id=notice.key", 'provider_id="x"', "do_not_mix"),
        ("status = answer.status", "status = answer.status; time.sleep(0.5)", "blocks_nobody"),
        ("self._services = services\n", "self._services = services; open('x.txt', 'w').close()\n", "touches_nothing"),
        (
            '"text": notice.text}',
            '"text": notice.text, "image": open(notice.image or __file__, "rb").name}',
            "notice_is_taken",
        ),
        ("async def close(self)", "async def end(self)", "every_method"),
    ],
    "action": [
        ("if call.key not in self._done:", "if True:", "done_once"),
        ('data={"count": self.counts[name]}', 'data={"count": {1: 2}}', "says_what_came"),
        ("name = str(call.data", "time.sleep(0.5); name = str(call.data", "blocks_nobody"),
        ("name = str(call.data", "call.event.camera; name = str(call.data", "without_an_event"),
        ("targets: tuple[str, ...] = ()", 'targets = ("kamera",)', "every_method"),
        ("self._done: set[str] = set()", "self._done = set(); open('x.txt', 'w').close()", "every_method"),
        ("name = str(call.data", "hub.fails and {}['x']; name = str(call.data", "hub_that_refuses"),
    ],
}


def written(pytester, kind, number, good="", bad=""):
    """Write a plugin with a fault in it; return the name of its tests."""
    name = f"uji-{kind}-{number}"
    said = CliRunner().invoke(main, ["plugin", "new", kind, name, "--folder", str(pytester.path)])
    assert said.exit_code == 0, said.output
    module = f"siaga_{name.replace('-', '_')}"
    root = pytester.path / f"siaga-{name}"
    code = (root / "src" / module / "__init__.py").read_text("utf-8")
    good, bad = (words.replace("%WORD%", name.replace("-", "_")) for words in (good, bad))
    assert good in code
    (pytester.path / f"{module}.py").write_text(f"{code.replace(good, bad, 1)}\n\nimport time\n", "utf-8")
    tests = root / "tests" / f"test_{module}.py"
    (pytester.path / tests.name).write_text(tests.read_text("utf-8"), "utf-8")
    return tests.name


def failures(pytester, *arguments):
    options = ("-q", "-rf", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "-o", "pythonpath=.")
    result = pytester.runpytest_subprocess(*options, *arguments)
    assert not [line for line in result.outlines if line.startswith("ERROR")], "\n".join(result.outlines)
    return {line.split()[1] for line in result.outlines if line.startswith("FAILED")}, result


@pytest.mark.slow
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_plugin_fails_at_the_check_that_is_meant_for_it(kind, pytester):
    checks = [name for name in dir(SUITES[kind]) if name.startswith("test_")]
    meant = set()
    for number, (good, bad, words) in enumerate(BAD[kind]):
        (check,) = (name for name in checks if words in name)
        file = written(pytester, kind, number, good, bad)
        title = f"Uji{kind.title()}{number}"
        meant.add(f"{file}::Test{title}::{check}")
    failed, result = failures(pytester, *sorted(meant))
    assert failed == meant, "\n".join(result.outlines)
