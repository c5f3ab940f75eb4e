"""`siaga rules test` as people type it: what it prints and its exit code."""

from test_cli import CONFIG, siaga

RULE = """\
  - id: sekolah
    triggers: {trigger: event, kind: object.person}
    actions: {action: snapshot, target: {camera: sekolah}}
    tests:
      - {name: orang, events: {kind: object.person, camera: sekolah}, expect: {action: snapshot}}
      - {name: diam, events: {kind: motion.start, camera: sekolah}, expect: []}
"""


def written(folder, rule=RULE):
    text = CONFIG.replace("port: PORT", "port: 0").replace("rules: []", f"rules:\n{rule}")
    (folder / "config.yaml").write_text(text, "utf-8")
    return siaga("rules", "test", folder=folder)


def test_tests_that_pass_end_well_and_leave_nothing_behind(tmp_path):
    done = written(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "2 lulus, 0 gagal"
    assert [file.name for file in tmp_path.iterdir()] == ["config.yaml"]


def test_a_test_that_fails_is_shown_with_its_line_and_ends_with_1(tmp_path):
    done = written(tmp_path, RULE.replace("expect: []", "expect: {action: snapshot}"))
    assert done.returncode == 1
    assert "GAGAL  sekolah: diam" in done.stdout and "tidak dilakukan: snapshot" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 lulus, 1 gagal"


def test_a_mistake_in_a_test_ends_with_1_and_is_told_by_check_too(tmp_path):
    done = written(tmp_path, RULE.replace("camera: sekolah}, expect: []", "camera: sekolahh}, expect: []"))
    assert done.returncode == 1 and "'sekolah'?" in done.stderr
    checked = siaga("check", folder=tmp_path)
    assert checked.returncode == 1 and "'sekolah'?" in checked.stderr
