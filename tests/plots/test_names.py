"""Names on the page are the panel's own, whatever words they hold; the rest of the text has the calendar's words."""

import dataclasses
import html
import re

import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from tests.plots.conftest import as_ensemble

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
