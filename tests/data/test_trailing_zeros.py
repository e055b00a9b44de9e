import dataclasses
import warnings

import numpy as np
import pytest
from typer.testing import CliRunner

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.app import app
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.errors import DataWarning

PANEL = dcm.simulate(3, 60, 2, 0, seed=0)[0]
ALL = slice(None)


def sold_nothing(*cells, panel=PANEL, **changes):
    """The panel with a KPI of 0 in some `(regions, weeks)`."""
    kpi = panel.kpi.copy()
    for regions, weeks in cells:
        kpi[regions, weeks] = 0.0
    return dataclasses.replace(panel, kpi=kpi, **changes)


def last(weeks):
    return slice(60 - weeks, None)


@pytest.mark.parametrize(
    ("weeks", "when"), [(1, "in week 2023-02-20, the last one"), (5, "in the last 5 weeks, 2023-01-23 to 2023-02-20")]
)
@pytest.mark.parametrize("ask", [dcm.fit, dcm.fit_many, lambda panel: dcm.cross_validate(panel, dcm.Config())])
def test_a_kpi_that_turns_to_zero_everywhere_is_refused_with_both_ways_out(ask, weeks, when):
    with pytest.raises(dcm.DataError, match=f"'sales' of every region is 0 {when}") as refused:
        ask(sold_nothing((ALL, last(weeks))))
    assert "missing_kpi='mask'" in str(refused.value)
    assert "trailing_zeros='keep'" in str(refused.value)


def test_a_national_kpi_is_asked_about_too():
    panel = sold_nothing((ALL, last(2)), panel=PANEL.select(regions=[PANEL.regions[0]]))
    with pytest.raises(dcm.DataError, match=r"The KPI 'sales' is 0 in the last 2 weeks"):
        training_weights(panel, 8)


def test_zeros_before_planned_weeks_and_beside_regions_without_a_kpi_are_found():
    weights = PANEL.weights.copy()
    weights[:, last(4)] = 0.0
    weights[0, last(7)] = 0.0
    panel = sold_nothing((ALL, last(7)), weights=weights)
    with pytest.raises(dcm.DataError, match="in the last 3 weeks"):
        training_weights(panel, 8)


def test_two_weeks_of_zeros_in_a_single_region_are_told():
    with pytest.warns(DataWarning, match=rf"at the end of region {PANEL.regions[1]} \(from week 2023-02-13 on\)"):
        training_weights(sold_nothing((1, last(2))), 8)


def test_a_region_that_closed_is_named_in_a_warning():
    with pytest.warns(DataWarning, match=rf"at the end of region {PANEL.regions[1]} \(from week .*but not elsewhere"):
        weights = training_weights(sold_nothing((1, last(5))), 8)
    assert (weights > 0).any(axis=0).sum() == 52


def test_sales_that_are_loaded_for_few_regions_alone_are_told_of():
    with pytest.warns(DataWarning, match=rf"regions {PANEL.regions[0]} .*{PANEL.regions[2]}"):
        training_weights(sold_nothing(([0, 2], last(1))), 8)


SILENT = {
    "one zero of one region": sold_nothing((1, last(1))),
    "real zeros": sold_nothing((ALL, last(5)), trailing_zeros="keep"),
    "a closed region that is stated": sold_nothing((1, last(5)), trailing_zeros="keep"),
    "closed for as long a year before": sold_nothing((ALL, slice(5, 8)), (ALL, last(3))),
    "zeros before the launch alone": sold_nothing((ALL, slice(0, 20))),
    "zeros in the middle": sold_nothing((ALL, slice(30, 34))),
}


@pytest.mark.parametrize("name", SILENT)
def test_what_is_no_news_is_not_asked_about(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        training_weights(SILENT[name], 8)


def test_zeros_before_the_launch_say_nothing_about_those_at_the_end():
    with pytest.raises(dcm.DataError, match="in the last 4 weeks"):
        training_weights(sold_nothing((ALL, slice(0, 20)), (ALL, last(4))), 8)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_a_kpi_with_zeros_all_along_is_not_asked_about(share):
    rng = np.random.default_rng(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(20):
            zero = rng.random((3, 60)) < share
            zero[:, last(1)] = True
            training_weights(dataclasses.replace(PANEL, kpi=np.where(zero, 0.0, PANEL.kpi)), 8)


def test_what_is_stated_of_zeros_is_kept_in_parts_and_saved_fits(small_result, tmp_path):
    panel = dataclasses.replace(small_result.panel, trailing_zeros="keep")
    assert panel.select(weeks=slice(0, 30)).trailing_zeros == "keep"
    result = dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel))
    assert dcm.load(result.save(tmp_path / "fit.npz")).panel.trailing_zeros == "keep"


def test_an_unknown_word_about_zeros_is_refused():
    with pytest.raises(dcm.DataError, match="'ask' or 'keep', got 'yes'"):
        dcm.Panel.from_dataframe(
            PANEL.to_dataframe(), region="region", time="time", kpi="sales", media=["channel_1"], trailing_zeros="yes"
        )


@pytest.mark.parametrize(("flags", "error"), [([], dcm.DataError), (["--keep-trailing-zeros"], dcm.OutputError)])
def test_the_command_line_asks_and_can_be_told(flags, error, tmp_path):
    sold_nothing((ALL, last(3))).to_dataframe().to_csv(tmp_path / "panel.csv", index=False)
    columns = ["--region", "region", "--time", "time", "--kpi", "sales", "--media", "channel_?"]
    file = str(tmp_path / "panel.csv")
    ran = CliRunner().invoke(
        app, ["fit", file, *columns, "--out", file, *flags]
    )  # no folder: refused once all is asked
    assert isinstance(ran.exception, error)
