"""`load` opens whatever was saved, from its file or its folder."""

import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.planning.saved import result_file
from tests.planning.test_plan_advice import plan_with


def test_a_folder_is_opened_by_what_it_holds(small_result, small_ensemble, tmp_path):
    plan = dcm.optimize_budget(small_result, weeks=8, fixed=["channel_1", "channel_2", "channel_3"])
    small_result.save(tmp_path / "run" / "fit.npz")
    assert type(dcm.load(tmp_path / "run")) is dcm.FitResult
    small_ensemble.save(tmp_path / "run" / "ensemble.npz")
    assert isinstance(dcm.load(tmp_path / "run"), dcm.Ensemble)
    small_ensemble.save(tmp_path / "own" / "march.npz")
    assert isinstance(dcm.load(str(tmp_path / "own")), dcm.Ensemble)
    plan.save(tmp_path / "plan")
    for place in (tmp_path / "plan", tmp_path / "plan" / "plan.json"):
        assert dcm.load(place).total == plan.total
    plan.save(tmp_path / "run")
    with pytest.raises(dcm.OutputError, match=r"holds a fit and a plan; say which, as .*ensemble.npz or .*plan.json"):
        dcm.load(tmp_path / "run")


def test_a_folder_without_a_result_or_with_several_says_so(small_result, tmp_path):
    with pytest.raises(dcm.OutputError, match="holds no saved fit, ensemble or plan"):
        dcm.load(tmp_path)
    for name in ("april.npz", "march.npz"):
        small_result.save(tmp_path / name)
    with pytest.raises(dcm.OutputError, match=r"holds 2 .npz files; name one of them, such as .*april.npz"):
        dcm.load(tmp_path)
    for nothing in (tmp_path / "none", 3, None):
        with pytest.raises(dcm.OutputError):
            dcm.load(nothing)


def test_a_plan_in_a_notebook_has_channels_totals_and_notes():
    html = plan_with(-1.0, 2.0).with_advice()._repr_html_()
    assert "spend_plan" in html
    assert "not advised" in html


def test_the_folder_of_several_kpis_is_no_run_and_names_those_in_it(small_result, tmp_path):
    (tmp_path / "kpis.json").write_text("{}")
    for name in ("sales", "visits"):
        small_result.save(tmp_path / name / "fit.npz")
    with pytest.raises(
        dcm.OutputError, match=r"holds fits of several KPIs; name the folder of one of them: .*visits\."
    ):
        result_file(tmp_path)
    assert result_file(tmp_path / "sales") == tmp_path / "sales" / "fit.npz"
