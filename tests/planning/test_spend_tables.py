"""Tables of each channel's outcome at increasing spend, against outcomes that are known in closed form."""

from types import SimpleNamespace

import numpy as np
import pytest

from deepcausalmmm_jax.planning import spend_tables as module
from deepcausalmmm_jax.planning.cells import exposure_of
from deepcausalmmm_jax.planning.spend_tables import column, outcome_at, spend_tables
from tests.planning.horizons import USUAL, two_weeks

HEIGHTS = np.array([2.0, 3.0, 1.0])  # KPI of the root of a channel's exposure; revenue is twice that
TODAY, RADIO = 40.0, 20.0 * 2.5  # TV's spend, and radio's in mean weeks, as in `test_cells`


class _Known:
    """Outcome of the roots of exposure; where radio drives TV, TV's effect grows with radio's exposure."""

    def __init__(self, variables, horizon, cells, driven):
        self.refits, self.horizon, self.cells, self.driven = variables["scale"], horizon, cells, driven
        self.n_replicates, self.n_channels = len(self.refits), 3

    def _terms(self, plan, on_air):
        exposure = exposure_of(self.cells, self.horizon, plan) * on_air
        terms = np.sqrt(exposure.sum(axis=(0, 1))) * HEIGHTS
        terms[0] *= 1.0 + self.driven * exposure[:, :, 1].sum()
        return terms

    def values(self, plans, on_air=None):
        on_air = np.ones((len(plans), 3)) if on_air is None else on_air
        kpi = np.array([self._terms(plan, on).sum() for plan, on in zip(plans, on_air, strict=True)])
        kpi = 100.0 + kpi[:, None] * self.refits
        return np.stack([kpi, 2.0 * kpi], axis=-1)[..., None] * [0.25, 0.75]  # two regions

    def by_channel(self, plans):
        kpi = np.stack([self._terms(plan, np.ones(3)) for plan in plans])[:, None] * self.refits[:, None]
        return np.stack([kpi, 2.0 * kpi], axis=2)


class _Refits(SimpleNamespace):
    def __len__(self):
        return len(self.variables["scale"])


@pytest.fixture
def made(monkeypatch):
    def make(driven=0.0, refits=None, horizon=None):
        monkeypatch.setattr(module, "Outcome", lambda _, *given: _Known(*given, driven))
        fit = SimpleNamespace(scales=SimpleNamespace(exposure=USUAL), variables={"scale": np.array(1.0)})
        drawn = None if refits is None else _Refits(variables={"scale": np.array(refits, float)})
        return spend_tables(fit, drawn, horizon or two_weeks())

    return make


def test_a_channels_table_is_what_its_spend_brings_beyond_none(made):
    tables = made(refits=[0.5, 2.0])
    assert tables.channels == ("tv", "radio")
    np.testing.assert_allclose(tables.today, [TODAY, 0.0])
    np.testing.assert_allclose(tables.base, [TODAY, RADIO])
    assert tables.levels[[0, -1]].tolist() == [0.0, 2.0]
    tv = 2.0 * (np.sqrt(7.0 + tables.levels * 20.0) - np.sqrt(7.0))  # 7 are free
    radio = 3.0 * np.sqrt(tables.levels * (2.0 + 2.0 + 6.0))  # mean weeks
    for scale, own in zip([1.0, 0.5, 2.0], tables.values, strict=True):
        np.testing.assert_allclose(own, scale * np.stack([tv, radio]))
    np.testing.assert_allclose(tables.whole, 2.0 * np.sqrt(27.0) * np.array([1.0, 0.5, 2.0]))
    assert tables.error < 0.1
    assert (tables.in_currency, tables.has_revenue) == (True, False)
    assert tables.period == "2 weeks, 2024-01-08 to 2024-01-15"


@pytest.mark.parametrize("driven", [0.0, 0.05])
def test_what_free_exposure_brings_is_kept_beside_what_spend_brings(made, driven):
    tables = made(driven, refits=[0.5, 2.0])
    np.testing.assert_allclose(tables.free, [2.0 * np.sqrt(7.0), 0.0], atol=1e-12)  # of TV; radio's was paid
    now = outcome_at(tables.values, tables.today[None] / tables.base)[0, 0]
    assert now + tables.free.sum() == pytest.approx(tables.whole[0])


def test_where_revenue_is_known_tables_are_of_revenue(made):
    import dataclasses

    kpi, revenue = made(), made(horizon=dataclasses.replace(two_weeks(), has_revenue=True))
    np.testing.assert_allclose(revenue.values, 2.0 * kpi.values)
    np.testing.assert_allclose(revenue.whole, 2.0 * kpi.whole)
    np.testing.assert_allclose(revenue.free, 2.0 * kpi.free)


@pytest.mark.parametrize(("driven", "alone"), [(0.0, True), (0.00003, True), (0.0005, False), (0.05, False)])
def test_a_channel_that_drives_another_has_in_its_table_all_that_follows_from_it(made, driven, alone):
    """Own terms are exact without drivers; where they are too far off, one channel is changed at a time."""
    tables = made(driven, refits=[0.5, 2.0])
    radio = tables.levels * 10.0
    own = 3.0 * np.sqrt(radio)
    through_tv = 2.0 * np.sqrt(27.0) * driven * radio
    for scale, values in zip([1.0, 0.5, 2.0], tables.values, strict=True):
        np.testing.assert_allclose(values[1], scale * (own + (0.0 if alone else through_tv)))


def test_many_draws_are_thinned_evenly_and_few_are_all_kept(made, monkeypatch):
    scales = 1.0 + np.arange(250.0)
    of_radio = made(refits=scales).values[:, 1, -1] / (3.0 * np.sqrt(20.0))
    assert len(of_radio) == 1 + 100
    np.testing.assert_allclose(of_radio[[0, 1, -1]], [1.0, scales[0], scales[-1]])
    assert set(np.round(np.diff(of_radio[1:]))) == {2.0, 3.0}
    assert len(made(refits=scales[:3]).values) == 1 + 3
    work = two_weeks().panel.exposure.size * 21
    for affordable, kept in ((50 * work, 50), (49.9 * work, 49), (work, 20)):
        monkeypatch.setattr(module, "_MOST_WORK", affordable)
        assert len(made(refits=scales).values) == 1 + kept


def test_plans_between_levels_are_on_monotone_curves_through_them():
    levels = module._LEVELS
    tables = np.stack([np.stack([levels**0.5, levels**2]), np.stack([2 * levels, np.minimum(levels, 1.0)])])
    at = np.array([[1.0, 0.5], [1.45, 2.0], [0.0, 0.0]])
    np.testing.assert_allclose(outcome_at(tables, at), [[1.25, 1.45**0.5 + 4.0, 0.0], [2.5, 3.9, 0.0]])
    between = column(tables[:, 0], np.array([0.65, 1.7]))
    np.testing.assert_allclose(between[0], [0.65**0.5, 1.7**0.5], rtol=1e-3)
    np.testing.assert_allclose(between[1], [1.3, 3.4])
    bent = column(tables[:, 1], np.linspace(0.0, 2.0, 201))[1]
    assert (np.diff(bent) >= 0).all()
    assert bent.max() == 1.0


@pytest.mark.parametrize("off_by", [0.0, 1.0])
def test_the_error_is_the_largest_miss_as_a_share_of_todays_outcome(made, monkeypatch, off_by):
    """One more than the tables say for every plan but today's: as a share of TV's outcome today."""

    class Off(_Known):
        def values(self, plans, on_air=None):
            assert (plans <= 2.0 * np.array([TODAY, RADIO])).all()  # the range of the tables
            moved = ~np.isclose(plans, self.cells.today).all(axis=1) & (len(plans) > 8)
            return super().values(plans, on_air) + off_by * moved[:, None, None, None] * [0.25, 0.75]

    monkeypatch.setattr(module, "_LEVELS", np.linspace(0.0, 2.0, 201))
    monkeypatch.setattr(module, "_NOW", 100)
    exact = made().error
    monkeypatch.setattr(module, "Outcome", lambda _, *given: Off(*given, 0.0))
    fit = SimpleNamespace(scales=SimpleNamespace(exposure=USUAL), variables={"scale": np.array(1.0)})
    now = 2.0 * (np.sqrt(27.0) - np.sqrt(7.0))
    assert spend_tables(fit, None, two_weeks()).error == pytest.approx(off_by / now, abs=1.1 * exact)
    assert exact < 0.02
