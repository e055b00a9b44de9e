"""Names on the page are the panel's own, whatever words they hold; the rest of the text has the calendar's words."""

import dataclasses
import html
import re

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.plots.annotations import group_name
from deepcausalmmm_jax.plots.composition import donut_parts, waterfall_parts
from deepcausalmmm_jax.plots.contribution import grouped_contributions
from tests.plots.conftest import as_ensemble

pytestmark = pytest.mark.slow

NAMES = {
    "channels": ("Fashion week", "Weekly TV_impressions", "three weeks <b>of</b> mails"),
    "controls": ("price of the week", "weeks R&D"),
    "regions": ("R&D week", "the weeks' end"),
    "kpi_name": "orders this week",
}


def plain(text):
    """A text whose weeks are no words."""
    return re.sub("(?<=[Ww])eek", "eex", text)


@pytest.fixture(scope="module")
def monthly(quick):
    """A brief fit of months, with refits."""
    panel, _ = dcm.simulate(2, 200, 3, 2, seed=6, cadence="monthly")
    training = dataclasses.replace(quick.training, max_epochs=25)
    return dcm.fit(panel, quick.replace(training=training), holdout=6, progress=False)


@pytest.fixture(scope="module")
def pages(monthly, tmp_path_factory):
    """The page with names that hold weeks, and that with the same names without."""
    sources, folder = [], tmp_path_factory.mktemp("names")
    for number, changed in enumerate((str, plain)):
        names = {key: [changed(name) for name in own] for key, own in NAMES.items() if key != "kpi_name"}
        panel = dataclasses.replace(
            monthly.panel,
            channels=tuple(names["channels"]),
            controls=tuple(names["controls"]),
            regions=pd.Index(names["regions"]),
            kpi_name=changed(NAMES["kpi_name"]),
        )
        result = as_ensemble(dcm.FitResult(dataclasses.replace(monthly.fitted, panel=panel)))
        sources.append(dcm.report(result, folder / f"{number}.html", currency="EUR").read_text())
    return sources


def told(source):
    """What the page says: lines of its text, and all texts of its charts."""
    data = re.search(r'id="report-data">(.*?)</script>', source, re.DOTALL)[1].encode().decode("unicode_escape")
    body = re.sub(r"<(script|style)\b.*?</\1>", "", source, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", "\n", body)).splitlines(), html.unescape(data).split('"')


def test_names_with_weeks_are_treated_as_any_other_names(pages):
    with_weeks, without = map(told, pages)
    for shown, expected in zip(with_weeks, without, strict=True):
        words = [(plain(one), plain(other)) for one, other in zip(shown, expected, strict=True)]
        assert [pair for pair in words if pair[0] != pair[1] and re.search("[a-z]{3}", pair[0])] == []


def test_the_rest_of_the_page_has_the_calendars_words(pages):
    for texts in told(pages[1]):
        assert [line for line in texts if re.search(r"\bweek(s|ly)?\b", line, re.IGNORECASE)] == []


def test_names_are_as_the_panel_has_them(pages):
    text, charts = told(pages[0])
    for name in ("Fashion week", "Weekly TV", "orders this week"):
        assert any(name in line for line in text)
        assert any(name in line for line in charts)


def test_parts_that_are_added_up_never_take_the_place_of_a_channel_of_the_same_name(small_result):
    panel = dataclasses.replace(small_result.panel, channels=("other channels", "controls", "events"))
    result = dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel))
    whole = result.contributions.sum("component").sum("region").values
    for top in (1, 2):
        np.testing.assert_allclose(grouped_contributions(result, top).sum(axis=1), whole, rtol=1e-5)
        assert donut_parts(result, top).to_numpy().sum() == pytest.approx(whole.sum(), rel=1e-5)
        assert waterfall_parts(result, top).columns.is_unique
    assert group_name(panel, "events") == "all events"
    assert group_name(small_result.panel, "events") == "events"


def test_shares_of_two_runs_say_what_they_are_of(small_result):
    found = dcm.compare_runs(small_result, small_result)
    assert dcm.plots.run_changes(found).layout.xaxis.title.text == f"% of predicted {small_result.panel.kpi_name}"
    around_zero = dataclasses.replace(found, share_of="the size of <sales>")
    assert dcm.plots.run_changes(around_zero).layout.xaxis.title.text == "% of the size of &lt;sales&gt;"


def test_figures_of_some_channels_say_how_many_are_drawn(small_result):
    some = {"top": 2}
    for kind, given in (
        ("channel_returns", some), ("spend_and_effect_share", some), ("adstock_decay", some), ("hill_curves", some),
        ("coefficients_over_time", some), ("contribution_total", some),
    ):  # fmt: skip
        assert "(the largest 2 of 3)" in small_result.plot(kind, **given).layout.title.text, kind
        assert " of 3" not in small_result.plot(kind).layout.title.text, kind
    table = small_result.spend_response()
    assert "(the largest 2 of 3)" in dcm.plots.response_curves(table, "sales", top=2).layout.title.text
    assert "2 of 3 channels that vary most" in dcm.plots.panel_exposure(small_result.panel, 2).layout.title.text
