"""Weekly bands of one region on the page."""

import base64

import numpy as np
import pytest

from deepcausalmmm_jax.attribution.by_replicate import weekly_contributions
from deepcausalmmm_jax.plots.report.payload import region_data
from deepcausalmmm_jax.plots.report.region_bands import region_bands
from tests.plots.test_report import DRAW_ALL, console_errors, opened

PLENTY = 10**7


def unpacked(entry):
    step = np.asarray(entry["step"])
    return np.frombuffer(base64.b64decode(entry["packed"]), "<i2").reshape(len(step), -1) * step[:, None]


def test_contributions_of_the_regions_add_up_to_those_of_the_country_in_every_draw(ensemble):
    n_regions, n_channels = len(ensemble.panel.regions), len(ensemble.panel.channels)
    drawn = weekly_contributions(
        ensemble.fitted_panel, ensemble.replicates.variables, range(n_regions), range(n_channels)
    )
    whole = ensemble._contributed.national[:, :, -n_channels:]
    np.testing.assert_allclose(drawn.sum(axis=1), whole, rtol=2e-4, atol=1e-4 * np.abs(whole).max())


def test_the_bands_are_the_intervals_of_the_largest_channels_in_the_rows_asked_for(ensemble):
    bands = region_bands(ensemble, [2, 0], PLENTY)
    names = sorted({name.rpartition("_")[0] for name in bands} - {"forecast"})
    assert set(names) <= set(ensemble.panel.channels)
    at = [ensemble.panel.channels.index(name) for name in names]
    drawn = weekly_contributions(ensemble.fitted_panel, ensemble.replicates.variables, [2, 0], at)
    for position, name in enumerate(names):
        low, high = np.quantile(drawn[..., position], [0.05, 0.95], axis=0)
        np.testing.assert_allclose(bands[f"{name}_low"], low, rtol=1e-5, atol=1e-6 * np.abs(drawn).max())
        np.testing.assert_allclose(bands[f"{name}_high"], high, rtol=1e-5, atol=1e-6 * np.abs(drawn).max())


def test_a_fit_without_draws_has_the_forecast_band_alone(small_result):
    bands = region_bands(small_result, [1, 3], PLENTY)
    table = small_result.forecast_intervals(by_region=True)
    for end in ("low", "high"):
        for row, region in enumerate(small_result.panel.regions[[1, 3]]):
            np.testing.assert_allclose(bands[f"forecast_{end}"][row], table.loc[table["region"] == region, end])
    assert set(bands) == {"forecast_low", "forecast_high"}


@pytest.mark.parametrize("budget", [0, 500, 3_000])
def test_the_bands_keep_to_their_bytes(ensemble, budget):
    bands = region_bands(ensemble, [0, 1, 2, 3], budget)
    assert sum(grid.size for grid in bands.values()) * 2 * 4 / 3 <= budget


@pytest.mark.slow
@pytest.mark.parametrize("figure", ["fit", "lines"])
def test_a_selected_region_keeps_its_shaded_bands(browser, page, figure):
    opened(browser, page[0]).execute_script(DRAW_ALL)
    choose = (
        "const s = document.getElementById('region'); s.value = arguments[0]; s.dispatchEvent(new Event('change'));"
    )
    shaded = f"return document.getElementById('figure-{figure}').data.filter(t => t.meta?.band).map(t => [t.meta.band, t.x.length, t.y])"
    whole = browser.execute_script(shaded)
    browser.execute_script(choose + DRAW_ALL, "1")
    own = browser.execute_script(shaded)
    held = region_data(page[1])
    assert [name for name, _, _ in own] == [name for name, _, _ in whole]
    for name, length, y in own:
        low, high = (unpacked(held["bands"][f"{name}_{end}"])[1] for end in ("low", "high"))
        assert length == len(y) == 2 * len(low)
        np.testing.assert_allclose(y, [*high, *low[::-1]], rtol=1e-6)
    browser.execute_script("document.getElementById('reset').click();" + DRAW_ALL)
    assert browser.execute_script(shaded) == whole
    assert console_errors(browser) == []
