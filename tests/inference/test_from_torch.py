from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.scaling import Scales

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
BURN_IN = 4


@pytest.fixture(scope="module", params=["triangular", "notears"])
def original(request):
    """Graph, saved weights with buffers, panel and the figures of the original's small case."""
    archive = np.load(GOLDEN / f"reference_{request.param}.npz")
    figures = {name: archive[name] for name in archive.files}
    state = {
        name.removeprefix(kind): array
        for kind in ("param/", "buffer/")
        for name, array in figures.items()
        if name.startswith(kind)
    }
    regions, weeks = figures["in/y"].shape
    table = pd.DataFrame(
        {
            "geo": np.repeat([f"geo_{r}" for r in range(regions)], weeks),
            "week": np.tile(np.arange(weeks), regions),
            "kpi": figures["in/y"].ravel() * 100,
        }
    )
    media, controls = [f"media_{m}" for m in range(4)], [f"control_{k}" for k in range(3)]
    table[media] = figures["in/media"].reshape(-1, 4) * 1e6
    table[controls] = figures["in/control"].reshape(-1, 3)
    panel = dcm.Panel.from_dataframe(table, region="geo", time="week", kpi="kpi", media=media, controls=controls)
    return request.param, state, panel, figures


def _taken_over(original, **changes):
    graph, state, panel, figures = original
    scales = Scales(
        np.full(3, 100.0), np.ones((3, 4)), np.ones((3, 4)), np.zeros((3, 4)), np.zeros((3, 3)), np.ones((3, 3))
    )
    temperature = 1.0 if graph == "triangular" else 0.5
    # The small case holds its burn-in weeks itself. Without a burn-in, states and terms of the later weeks are the same.
    config = dcm.Config.paper(graph, burn_in=0, temperature=temperature)
    arguments = {"config": config, "scales": scales, "season": figures["in/seasonal"]} | changes
    return dcm.from_torch_state_dict(state, panel, **arguments)


def test_it_predicts_as_the_original(original):
    result = _taken_over(original)
    theirs = 100 * original[3]["out/prediction"]
    np.testing.assert_allclose(result.predict().values[:, BURN_IN:], theirs[:, BURN_IN:], rtol=1e-5)
    media = result.contributions.sel(component=list(original[2].channels)).values
    scale = np.log1p(np.exp(original[3]["param/prediction_scale"][0]))
    golden = 100 * scale * original[3]["out/media_contributions"]
    np.testing.assert_allclose(media[:, BURN_IN:], golden[:, BURN_IN:], rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_it_answers_like_any_result_and_survives_saving(original, tmp_path):
    result = _taken_over(original)
    assert result.status is dcm.FitStatus.TAKEN_OVER
    assert result.config.published.hidden_size == 8
    assert len(result.history) == 0
    again = dcm.load(result.save(tmp_path / "fit"))
    np.testing.assert_array_equal(again.predict(), result.predict())
    np.testing.assert_allclose(result.contributions.sum("component"), result.predict(), rtol=1e-6)
    assert result.report(tmp_path / "report.html").stat().st_size > 0


def test_scales_of_exposure_are_not_read(original):
    given = Scales(
        np.full(3, 100.0), np.full((3, 4), 7.0), np.ones((3, 4)), np.zeros((3, 4)), np.zeros((3, 3)), np.ones((3, 3))
    )
    np.testing.assert_array_equal(_taken_over(original, scales=given).fitted.scales.exposure, np.ones((3, 4)))


def test_scales_and_season_come_from_the_training_weeks_by_default(original):
    graph, state, panel, _ = original
    result = dcm.from_torch_state_dict(state, panel, config=dcm.Config.paper(graph), holdout=4)
    np.testing.assert_allclose(result.fitted.scales.kpi, panel.kpi[:, :20].mean(axis=1))
    assert result.holdout == 4
    assert np.isfinite(result.predict()).all()


def _without(state, name):
    return {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: _without(state, "alpha"), "lack 'alpha'"),
        (lambda state: state | {"alfa": np.zeros(4)}, "did you mean 'alpha'"),
        (lambda state: state | {"hill_g": np.zeros(5)}, "'hill_g' has the shape"),
    ],
)
def test_weights_that_do_not_fit_are_named(original, change, message):
    graph, state, panel, _ = original
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.from_torch_state_dict(change(state), panel, config=dcm.Config.paper(graph))


def test_another_panel_is_refused(original, small_panel):
    with pytest.raises(dcm.DataError, match="3 regions, but the panel has 4"):
        dcm.from_torch_state_dict(original[1], small_panel)


def test_another_model_and_another_number_of_regions_are_refused(original):
    with pytest.raises(dcm.ConfigError, match=r"Config\.paper"):
        _taken_over(original, config=dcm.Config())
    with pytest.raises(dcm.DataError, match="season"):
        _taken_over(original, season=np.zeros((2, 24)))
