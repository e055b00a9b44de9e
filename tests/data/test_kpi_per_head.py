"""A KPI per head: made totals on reading, and the same to the model as totals are."""

import dataclasses
import json

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.share_basis import share_basis
from deepcausalmmm_jax.data.inputs import Inputs, inputs_from
from deepcausalmmm_jax.data.scaling import scales_from
from deepcausalmmm_jax.results.saved_roles import roles_as_json, roles_from_json

PEOPLE = {"region_1": 8e5, "region_2": 3e4, "region_3": 2.5e6}
COLUMNS = {"region": "region", "time": "time", "media": ["channel_1", "channel_2"], "controls": ["control_1"]}


@pytest.fixture(scope="module")
def table():
    table = dcm.simulate(3, 40, 2, 1, seed=4)[0].to_dataframe()
    people = table["region"].map(PEOPLE)
    return table.assign(population=people, rate=1000.0 * table["sales"] / people)


def panel_of(table, kpi, **more):
    return dcm.Panel.from_dataframe(table, kpi=kpi, population="population", **COLUMNS, **more)


def test_a_rate_and_its_population_are_read_as_totals(table):
    total, read = panel_of(table, "sales"), panel_of(table, "rate", kpi_per=1000)
    np.testing.assert_allclose(read.kpi, total.kpi, rtol=1e-12)
    assert read.kpi_name == "rate"


def test_the_table_of_a_panel_has_the_rate_under_its_name(table):
    panel = panel_of(table, "rate", kpi_per=1000).select(weeks=slice(3, 20))
    written = panel.to_dataframe()
    own = table.sort_values(["region", "time"]).groupby("region").nth(list(range(3, 20)))
    np.testing.assert_allclose(written["rate"], own["rate"], rtol=1e-12)
    again = panel_of(written, "rate", kpi_per=panel.kpi_per)
    np.testing.assert_allclose(again.kpi, panel.kpi, rtol=1e-12)
    total = panel_of(table, "sales")
    assert total.kpi_per is None
    np.testing.assert_array_equal(total.to_dataframe()["sales"], total.kpi.ravel())


def test_a_saved_run_knows_what_its_kpi_is_per(table):
    for panel, people in ((panel_of(table, "rate", kpi_per=1000), 1000.0), (panel_of(table, "sales"), None)):
        manifest = json.loads(json.dumps(roles_as_json(panel)))
        assert roles_from_json(manifest)["kpi_per"] == people
        del manifest["kpi_per"]  # as saved before it was kept
        assert roles_from_json(manifest)["kpi_per"] is None


def test_totals_are_not_called_by_the_name_of_the_rate(table, small_result):
    panel = panel_of(table, "rate", kpi_per=1000)
    assert panel.kpi_label == "rate (total)"
    assert "KPI rate (total)," in repr(panel)
    assert panel.summary().index[0] == "rate (total)"
    assert dcm.plots.panel_kpi(panel).layout.yaxis.title.text == "rate (total)"
    assert panel_of(table, "sales").kpi_label == "sales"
    fitted = small_result.fitted
    per_head = dataclasses.replace(fitted.panel, kpi_name="rate", kpi_per=1000.0)
    result = dcm.FitResult(dataclasses.replace(fitted, panel=per_head))
    assert result.contributions.attrs["units"] == "rate (total)"
    assert share_basis(result.fitted_panel) == "predicted rate (total)"
    assert dcm.plots.contribution_over_time(result).layout.yaxis.title.text == "rate (total)"


@pytest.mark.parametrize("reading", ["identity", "log"])
def test_what_the_model_reads_is_the_same_but_for_the_size_of_regions_in_sums(table, reading):
    def read(kpi):
        panel = panel_of(table, kpi)
        return inputs_from(panel, scales_from(panel, panel.weights, reading), panel.weights, dcm.Config(link=reading))

    rate, total = read("rate"), read("sales")
    for name in Inputs._fields:
        own, other = getattr(rate, name), getattr(total, name)
        if name != "kpi_unit" and isinstance(own, np.ndarray):
            np.testing.assert_allclose(own, other, rtol=2e-6, atol=1e-7, err_msg=name)
    heads = np.array(list(PEOPLE.values()))
    ratio = total.kpi_unit / rate.kpi_unit
    np.testing.assert_allclose(ratio / ratio[0], heads / heads[0], rtol=1e-5)


@pytest.mark.parametrize("people", [0, -1.0, "1000", True])
def test_what_is_no_number_of_people_is_refused(table, people):
    with pytest.raises(dcm.DataError, match="kpi_per must be a number of people above 0"):
        panel_of(table, "rate", kpi_per=people)


def test_a_rate_without_population_is_refused_with_the_way_out(table):
    with pytest.raises(dcm.DataError, match="KPI 'rate' is per head, but no population is known; name its column"):
        dcm.Panel.from_dataframe(table, kpi="rate", kpi_per=1000, **COLUMNS)


def test_a_population_that_grows_makes_totals_week_by_week(table):
    growing = table["population"] * (1.0 + 0.004 * table.groupby("region").cumcount())
    table = table.assign(population=growing, rate=1000.0 * table["sales"] / growing)
    total, read = panel_of(table, "sales"), panel_of(table, "rate", kpi_per=1000)
    np.testing.assert_allclose(read.kpi, total.kpi, rtol=1e-12)
    np.testing.assert_array_equal(read.population, total.population)
    again = panel_of(read.to_dataframe(), "rate", kpi_per=1000)
    np.testing.assert_allclose(again.kpi, total.kpi, rtol=1e-12)


def test_a_population_that_is_a_control_too_gives_the_rate_back_week_by_week(table):
    growing = table["population"] * (1.0 + 0.004 * table.groupby("region").cumcount())
    table = table.assign(population=growing, rate=1000.0 * table["sales"] / growing)
    columns = COLUMNS | {"controls": ["population"], "population": "population"}
    written = dcm.Panel.from_dataframe(table, kpi="rate", kpi_per=1000, **columns).to_dataframe()
    own = table.sort_values(["region", "time"])
    np.testing.assert_allclose(written["rate"], own["rate"], rtol=1e-12)
    np.testing.assert_allclose(written["population"], own["population"], rtol=1e-12)
