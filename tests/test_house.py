"""The house rules that a machine can check: directions, cycles, packages, first lines, words."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
ROOT_MODULES = (
    "__main__",
    "camera_commands",
    "command_line",
    "eval_commands",
    "media_commands",
    "plugin_commands",
    "rule_commands",
)
ROOMS = ("core", "evaluation", "kit", "plugins", "rules", "testing", "web")
MAY_IMPORT = {
    "core": {"core"},
    "evaluation": {"core", "evaluation"},
    "kit": {"core", "kit"},
    "plugins": {"core", "plugins"},
    "rules": {"core", "rules"},
    "testing": {"core", "testing"},
    "web": {"core", "rules", "web"},
    "__main__": {
        "core",
        "rules",
        "web",
        "camera_commands",
        "command_line",
        "eval_commands",
        "media_commands",
        "plugin_commands",
        "rule_commands",
    },
    "rule_commands": {"core", "rules", "web", "command_line"},
    "camera_commands": {"core", "command_line"},
    "eval_commands": {"core", "evaluation", "command_line"},
    "media_commands": {"core", "command_line"},
    "plugin_commands": {"core", "kit", "command_line"},
    "command_line": {"core", "rules"},
}
# No plugin but a net: detectors share it, so that no picture is looked at twice and no eye holds it twice.
SHARED = {"plugins.detectors.objects_net"}
VIDEO_LIBRARIES = {"av", "cv2", "onnxruntime"}


def product_files() -> list[Path]:
    files = [
        ROOT / "__init__.py",
        *(ROOT / f"{name}.py" for name in ROOT_MODULES),
    ]
    for room in ROOMS:
        files += sorted((ROOT / room).rglob("*.py"))
    return [f for f in files if f.exists()]


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(f): f for f in product_files()}


def inside_imports(file: Path) -> list[tuple[str, int]]:
    """Return (module below the root, line) for each import of our own, relative or absolute."""
    package = file.relative_to(ROOT).parent.parts
    found = []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - (node.level - 1)]
            target = ".".join((*base, *(node.module.split(".") if node.module else ())))
            for alias in node.names:
                deeper = f"{target}.{alias.name}" if target else alias.name
                found.append((deeper if deeper in MODULES else target, node.lineno))
        elif (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "siaga") or (
            isinstance(node, ast.Import) and any(a.name.split(".")[0] == "siaga" for a in node.names)
        ):
            found.append(("!absolute", node.lineno))
    return found


def room_of(module: str) -> str:
    return module.split(".")[0]


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_point_only_downwards_and_are_relative(module):
    file, room = MODULES[module], room_of(module)
    for target, line in inside_imports(file):
        assert target != "!absolute", f"{file}:{line}: product code imports relatively"
        if room in MAY_IMPORT and target:
            assert room_of(target) in MAY_IMPORT[room], f"{file}:{line}: {room} may not import {target}"


def test_plugins_import_only_the_vendors_names_and_never_a_sibling():
    for module, file in MODULES.items():
        if room_of(module) != "plugins":
            continue
        for target, line in inside_imports(file):
            if room_of(target) == "core":
                # core.validators is one of the names in core.__all__, and a module.
                assert target in ("core", "core.validators"), (
                    f"{file}:{line}: a plugin imports from siaga.core, not from {target}"
                )
            elif room_of(target) == "plugins" and target not in SHARED:
                own = re.sub(r"_\w+$", "", module.split(".")[-1]) if module.count(".") == 2 else module.split(".")[2]
                assert target.split(".")[-1].startswith(own) or target.split(".")[2] == own, (
                    f"{file}:{line}: a plugin never imports a sibling plugin ({target})"
                )


def test_there_is_no_import_cycle():
    edges = {m: {t for t, _ in inside_imports(f) if t in MODULES and t != m} for m, f in MODULES.items()}
    done: set[str] = set()

    def visit(module, trail):
        assert module not in trail, "cycle: " + " -> ".join([*trail[trail.index(module) :], module])
        if module in done:
            return
        for target in edges[module]:
            # A package's __init__ that names its parts is a face, not a step on the way.
            visit(target, [*trail, module])
        done.add(module)

    for module in edges:
        visit(module, [])


def test_the_packages_list_names_every_folder_with_code():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    folders = {
        ".".join(("siaga", *f.parent.relative_to(ROOT).parts))
        for f in product_files()
        if f.parent != ROOT or f.name == "__init__.py"
    }
    assert listed == folders


@pytest.mark.parametrize("module", sorted(MODULES))
def test_every_file_opens_with_a_line_that_says_what_it_knows(module):
    doc = ast.get_docstring(ast.parse(MODULES[module].read_text("utf-8")))
    assert doc and len(doc.splitlines()[0]) <= 120


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_file_grows_past_its_size(module):
    assert len(MODULES[module].read_text("utf-8").splitlines()) <= 380, "about 350 lines at most; split it"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_function_grows_past_its_size(module):
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = (node.end_lineno or 0) - node.body[0].lineno + 1
            assert body <= 50, f"{MODULES[module]}:{node.lineno}: {node.name} has {body} lines"


def test_broad_except_stands_only_where_the_house_allows_it():
    allowed = {"core.tasks", "core.plugin_manager", "web.middleware"}
    for module, file in MODULES.items():
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                names = ast.unparse(node.type) if node.type else "everything"
                if re.search(r"\b(Exception|BaseException|everything)\b", names):
                    assert module in allowed, f"{file}:{node.lineno}: except {names}"


def test_tasks_are_started_only_by_their_owner():
    for module, file in MODULES.items():
        if module == "core.tasks":
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in {"create_task", "ensure_future"}:
                raise AssertionError(f"{file}:{node.lineno}: tasks are owned by core/tasks.py")


def test_video_libraries_are_imported_only_where_video_is():
    for module, file in MODULES.items():
        if module.startswith(("core.media", "evaluation.", "plugins.")):
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert not VIDEO_LIBRARIES & {n.split(".")[0] for n in names}, f"{file}:{node.lineno}"


def test_the_hub_process_loads_no_video_library():
    # What the `siaga` command imports is what the hub's process holds at its start.
    code = (
        "import sys, siaga.__main__, siaga.core.hub\n"
        "from siaga.core.plugin_manager import PluginManager\n"
        "PluginManager(None, in_hub=True).load()\n"
        f"print(sorted({VIDEO_LIBRARIES!r} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert answer.stdout.strip().splitlines()[-1] == "[]"


def test_every_text_stands_in_both_languages_with_the_same_placeholders():
    for file in sorted((ROOT / "core" / "texts").glob("*.yaml")):
        for key, both in (yaml.safe_load(file.read_text("utf-8")) or {}).items():
            assert set(both) == {"id", "en"}, f"{file.name}: {key}"
            holes = [set(re.findall(r"{(\w+)", both[language])) for language in ("id", "en")]
            assert holes[0] == holes[1], f"{file.name}: {key}: the placeholders differ"


def test_the_project_speaks_of_itself_alone():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout: the list of files is not known")
    machine_path = re.compile(r"/(?:root|home/\w+|work)/")
    for name in listed.stdout.split():
        file = ROOT / name
        if file.suffix in {".py", ".md", ".yaml", ".toml", ".js", ".css", ".html", ".sh"} or file.name == "Makefile":
            if file == Path(__file__):
                continue
            for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
                assert not machine_path.search(line), f"{name}:{number}: a path of one machine"
