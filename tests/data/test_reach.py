import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.extend import continued
from deepcausalmmm_jax.data.fingerprint import fingerprint
from deepcausalmmm_jax.data.panel_changes import panel_changes
from deepcausalmmm_jax.data.reach import contacts_from, curve_kinds, usual_frequency
from deepcausalmmm_jax.data.roles_of_run import with_roles_of

ROLES = {"time": "week", "region": "geo", "kpi": "sales"}
REACH = {"reach": {"tv": "tv_people"}, "frequency": {"tv": "tv_often"}}


def table(n_weeks=30, n_regions=2):
    rng = np.random.default_rng(3)
    rows = n_weeks * n_regions
    return pd.DataFrame(
        {
            "geo": np.repeat([f"r{r}" for r in range(n_regions)], n_weeks),
            "week": np.tile(pd.date_range("2024-01-01", periods=n_weeks, freq="7D"), n_regions),
            "sales": rng.uniform(90, 110, rows),
            "search": rng.uniform(5, 10, rows),
            "tv_people": np.round(rng.uniform(100, 500, rows)),
            "tv_often": rng.uniform(1.0, 6.0, rows),
            "tv_cost": rng.uniform(1, 2, rows),
            "people": np.repeat(1000.0 * (1 + np.arange(n_regions)), n_weeks),
        }
    )


def made(frame=None, **more):
    frame = table() if frame is None else frame
    return dcm.Panel.from_dataframe(
        frame, **{**ROLES, "media": ["search"], **REACH, "spend": {"tv": "tv_cost"}, **more}
    )


def changed(row, **values):
    frame = table()
    for name, value in values.items():
        frame.loc[row, name] = value
    return frame


def test_the_exposure_is_reach_times_frequency():
    frame, panel = table(), made()
    assert panel.channels == ("search", "tv")
    assert panel.has_reach == (False, True)
    np.testing.assert_allclose(panel.exposure[:, :, 1].ravel(), frame.tv_people * frame.tv_often)
    np.testing.assert_allclose(panel.frequency[:, :, 1].ravel(), frame.tv_often)
    assert np.isnan(panel.frequency[:, :, 0]).all()
    np.testing.assert_allclose(panel.spend[:, :, 1].ravel(), frame.tv_cost)


def test_a_table_comes_back_as_it_was():
    panel = made()
    again = dcm.Panel.from_dataframe(
        panel.to_dataframe(),
        **{**ROLES, "media": ["search"], "spend": {"tv": "tv_spend"}},
        reach={"tv": "tv_reach"},
        frequency={"tv": "tv_frequency"},
    )
    assert fingerprint(again) == fingerprint(panel)


def test_a_panel_may_have_no_other_channel():
    panel = made(media=[])
    assert panel.channels == ("tv",)
    assert panel.has_reach == (True,)


def test_nobody_reached_needs_no_frequency():
    panel = made(changed(4, tv_people=0.0, tv_often=np.nan))
    assert panel.exposure[0, 4, 1] == 0
    assert panel.frequency[0, 4, 1] == 0


@pytest.mark.parametrize(
    ("frame", "more", "sentence"),
    [
        (
            changed(4, tv_often=0.5),
            {},
            "'tv_often' is 0.5 at region r0, week 2024-01-29, where 'tv_people'.*one contact",
        ),
        (changed(4, tv_often=0.0), {}, "everyone who is reached has at least one contact"),
        (changed(4, tv_often=np.nan), {}, "'tv_often' has no value at region r0"),
        (changed(4, tv_people=np.nan), {}, "'tv_people' has no value"),
        (changed(4, tv_people=-1.0), {}, "negative reach"),
        (changed(34, tv_people=2500.0), {"population": "people"}, "2,500 at region r1, .*above the population.*2,000"),
        (None, {"reach": {"tv": "tv_people"}, "frequency": None}, "frequency does not; name a column in both"),
        (None, {"reach": {}}, "reach does not; name a column in both"),
        (None, {"media": ["tv", "search"]}, "given both in media and in reach"),
        (None, {"reach": "tv_people"}, "reach must be a mapping"),
        (None, {"reach": {"tv": "tv_peple"}}, "tv_peple"),
        (None, {"reach": {"tv": "tv_often"}}, "both as the reach of 'tv' and as the frequency of 'tv'"),
        (None, {"reach": {"tv": "search"}}, "both as a media channel and as the reach"),
        (None, {"reach": {"trend": "tv_people"}, "frequency": {"trend": "tv_often"}, "spend": None}, "reserved"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(frame, more, sentence):
    with pytest.raises(dcm.DataError, match=sentence):
        made(frame, **more)


def test_a_national_reach_is_compared_with_the_country():
    frame = table()
    frame["tv_people"] = np.tile(np.linspace(1500.0, 2900.0, 30), 2)
    frame["tv_often"] = np.tile(np.linspace(1.5, 3.0, 30), 2)
    panel = made(frame, spend=None, population="people", national=["tv"])
    np.testing.assert_allclose(panel.exposure[:, :, 1].sum(axis=0), frame.tv_people[:30] * frame.tv_often[:30])
    np.testing.assert_allclose(panel.frequency[1, :, 1], frame.tv_often[:30])
    frame["tv_people"] *= 2.0
    with pytest.raises(dcm.DataError, match="above the population"):
        made(frame, spend=None, population="people", national=["tv"])


def test_regions_and_weeks_take_their_frequency_along():
    panel = made().select(regions=["r1"], weeks=slice(3, 9))
    np.testing.assert_allclose(panel.frequency[0, :, 1], table().tv_often[33:39])


def test_another_frequency_is_another_panel():
    panel = made()
    other = dataclasses.replace(panel, frequency=panel.frequency * 1.1)
    assert fingerprint(other) != fingerprint(panel)
    assert set(panel_changes(panel, other).revised["column"]) == {"frequency of tv"}


def test_a_later_panel_states_reach_and_frequency_again():
    panel = made()
    plain = dataclasses.replace(panel, frequency=None)
    with pytest.raises(dcm.DataError, match="'tv', but this panel does not"):
        with_roles_of(panel, plain)
    with pytest.raises(dcm.DataError, match="but the fit does not"):
        with_roles_of(plain, panel)


def test_weeks_that_follow_keep_who_has_reach():
    panel = made()
    later = panel.select(regions=["r1"], weeks=slice(25, 30))
    whole, weeks, _ = continued(panel.select(weeks=slice(0, 25)), later)
    assert whole.has_reach == (False, True)
    np.testing.assert_allclose(whole.frequency[1, weeks, 1], later.frequency[0, :, 1])
    assert (whole.frequency[0, weeks, 1] == 0).all()


def test_the_usual_frequency_is_contacts_over_people():
    frame, panel = table(), made()
    usual = usual_frequency(panel, 30)
    first = frame[:30]
    assert usual[0, 1] == pytest.approx((first.tv_people * first.tv_often).sum() / first.tv_people.sum())
    assert np.isnan(usual[:, 0]).all()
    found = contacts_from(made(changed(4, tv_people=0.0)), usual)
    assert found.each[0, 4, 1] == pytest.approx(usual[0, 1])
    assert (found.each[:, :, 0] == 1).all()
    assert found.usual[1] == pytest.approx(np.sqrt(usual[0, 1] * usual[1, 1]))


def test_a_panel_without_reach_has_no_contacts():
    panel = dataclasses.replace(made(), frequency=None)
    assert usual_frequency(panel, 30) is None
    assert contacts_from(panel, None) is None
    assert {kind.saturation for kind in curve_kinds(panel, dcm.Config()).channels} == {"hill"}


def test_only_channels_with_reach_have_the_curve_of_frequency():
    kinds = curve_kinds(made(), dcm.Config(saturation="log"))
    assert [kind.saturation for kind in kinds.channels] == ["log", "reach_frequency"]
    assert kinds.having("half_frequency") == (False, True)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"curves": [{"channel": "tv", "saturation": "log"}]}, "a curve of their own; set its adstock only"),
        ({"priors": {"half_saturation": {"tv": (1.0, 0.5)}}}, "state priors.half_frequency, in contacts"),
    ],
)
def test_settings_of_another_curve_are_refused(settings, sentence):
    with pytest.raises(dcm.ConfigError, match=sentence):
        curve_kinds(made(), dcm.Config.from_dict(settings))


def test_its_carry_over_may_be_stated():
    kinds = curve_kinds(made(), dcm.Config(curves=(dcm.ChannelCurves("tv", adstock="none"),)))
    assert kinds.channels[1].adstock == "none"
