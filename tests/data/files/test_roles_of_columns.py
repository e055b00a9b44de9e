"""Roles of columns in files: those that names tell, those that are stated, and those that a schema keeps."""

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm

WEEKS = pd.date_range("2022-01-03", periods=30, freq="7D")


def meridian(**more):
    rng = np.random.default_rng(0)
    df = pd.DataFrame([(geo, week) for geo in ("g1", "g2") for week in WEEKS], columns=["geo", "time"])
    for name in (
        "Channel0_impression",
        "Channel0_spend",
        "Channel1_impression",
        "Channel1_spend",
        "Organic_channel0_impression",
    ):
        df[name] = rng.uniform(1, 10, len(df)).round(3)
    df["conversions"], df["revenue_per_conversion"] = rng.uniform(50, 90, len(df)).round(2), 0.02
    df["population"] = df["geo"].map({"g1": 100.0, "g2": 300.0})
    df["sentiment_score_control"], df["Promo"] = rng.normal(size=len(df)), rng.integers(0, 2, len(df))
    return df.assign(**more)


def read(df, folder, **options):
    path = folder / "data.csv"
    df.to_csv(path, index=False)
    return dcm.read_panel(path, **options)


def test_meridians_promo_is_a_treatment_and_its_organic_columns_are_organic_and_that_is_said(tmp_path, caplog):
    with caplog.at_level("INFO", "deepcausalmmm_jax"):
        panel = read(meridian(), tmp_path)
    assert panel.treatments == (dcm.Treatment("Promo", "min"),)
    assert panel.organic == ("Organic_channel0_impression",)
    assert panel.controls == ("sentiment_score_control", "Promo")
    assert "treatments, credited: Promo (from min)" in caplog.text
    assert "organic, without budget: Organic_channel0_impression" in caplog.text


def test_a_promotion_is_a_control_where_controls_are_stated_or_the_layout_is_another(tmp_path):
    stated = read(meridian(), tmp_path, controls=["Promo"], keep_schema=False)
    other = read(meridian().drop(columns=["population", "revenue_per_conversion"]), tmp_path, keep_schema=False)
    assert stated.treatments == other.treatments == ()
    assert "Promo" in stated.controls
    assert "Promo" in other.controls


def test_the_schema_keeps_the_roles_and_can_be_edited(tmp_path):
    first = read(meridian(), tmp_path)
    kept = tmp_path / "data.csv.schema.toml"
    assert dcm.Schema.load(kept).treatments == (("Promo", "min"),)
    kept.write_text(kept.read_text().replace('"Promo" = "min"', '"Promo" = 0.5'))
    again = dcm.read_panel(tmp_path / "data.csv")
    assert again.treatments == (dcm.Treatment("Promo", 0.5),)
    assert again.organic == first.organic


def test_stated_roles_are_taken_and_kept(tmp_path):
    tv = np.tile(np.linspace(1, 9, 30), 2)
    df = meridian(tv_impressions=tv, tv_spend=2 * tv, own_posts=np.arange(60.0))
    panel = read(
        df, tmp_path, organic="own_*", treatments={"sentiment_score_control": 0.0}, national=["tv_impressions"]
    )
    assert panel.organic == ("own_posts",)
    assert panel.treatments == (dcm.Treatment("sentiment_score_control", 0.0),)
    at = panel.channels.index("tv_impressions")
    np.testing.assert_allclose(panel.exposure[:, :, at].sum(axis=0), tv[:30])
    assert dcm.read_panel(tmp_path / "data.csv").national == ("tv_impressions",)


def test_events_are_given_beside_the_file(tmp_path):
    events = pd.DataFrame({"name": ["fair"], "date": ["2022-03-08"]})
    assert read(meridian(), tmp_path, events=events).event_names == ("fair",)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('treatments = ["Promo"]', "treatments must be a table"),
        ('organic = "x"', "organic must be a list"),
        ('[treatments]\n"Promo" = "low"', "'min', 'max' or a number"),
    ],
)
def test_a_schema_with_a_wrong_role_is_refused(line, sentence, tmp_path):
    text = 'time = "time"\nkpi = "conversions"\nmedia = ["Channel0_impression"]\n'
    (tmp_path / "own.toml").write_text(text + line + "\n")
    with pytest.raises(dcm.ConfigError, match=sentence):
        dcm.Schema.load(tmp_path / "own.toml")
