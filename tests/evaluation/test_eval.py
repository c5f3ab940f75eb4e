"""``siaga eval``: figures that can be trusted, in a table and as JSON, and a word where there is no footage."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from siaga.__main__ import main
from siaga.evaluation.measures import auc
from siaga.evaluation.report import Figure, Report, as_json, from_json, table

FOOTAGE = Path(__file__).resolve().parents[3] / "shared" / "footage"


def evaluate(*arguments):
    return CliRunner().invoke(main, ["eval", *map(str, arguments)])


@pytest.mark.slow
def test_the_flood_reading_is_measured_on_its_footage(tmp_path):
    if not FOOTAGE.is_dir():
        pytest.skip("the labelled footage is not here: nothing can be measured")
    said = evaluate("flood", "--data", FOOTAGE, "--json", tmp_path / "flood.json")
    assert said.exit_code == 0, said.output
    reports = from_json((tmp_path / "flood.json").read_bytes())
    figures = {figure.name: figure for figure in reports[0].figures}
    assert figures["answered"].value > 0.5
    assert figures["median error"].goal == "<= 1.5"
    assert figures["median error"].shown in said.output
    again = evaluate("flood", "--data", FOOTAGE / "flood")
    assert "median error" in again.output, "the folder of one theme is enough"


def test_what_has_no_footage_is_said_and_is_no_success(tmp_path):
    said = evaluate("flood", "--data", tmp_path)
    assert said.exit_code == 1
    assert "manifest.csv" in said.output


def test_an_unknown_detector_is_told_with_those_that_there_are(tmp_path):
    said = evaluate("banjir", "--data", tmp_path)
    assert said.exit_code == 1
    assert "flood" in said.output


def test_a_missed_goal_is_said_and_a_figure_without_footage_too():
    figures = (
        Figure(name="recall", value=0.7, goal=">= 0.75"),
        Figure(name="error", value=1.0, unit="cm", goal="<= 1.5"),
        Figure(name="night", value=None, goal=">= 0.5"),
    )
    report = Report(detector="uji", footage="kali", count="3 pictures", figures=figures)
    shown = table([report])
    assert "0.700 **missed**" in shown
    assert "1.00 cm |" in shown
    assert "not measured on real footage" in shown
    assert from_json(as_json([report])) == [report]


def test_auc_is_the_chance_that_a_positive_scores_higher():
    assert auc([0.9, 0.8, 0.3, 0.1], [True, True, False, False]) == 1.0
    assert auc([0.9, 0.2, 0.5, 0.5], [True, True, False, False]) == 0.5
