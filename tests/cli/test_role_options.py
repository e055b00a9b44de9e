"""Options for roles of columns, on panels made from files."""

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.run_columns import panel_like
from deepcausalmmm_jax.cli.table_options import TableColumns, panel_of

NAMED = {"time": "week", "kpi": "sales", "region": "geo"}


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(0)
    weeks = pd.date_range("2022-01-03", periods=30, freq="7D")
    df = pd.DataFrame([(geo, week) for geo in "ab" for week in weeks], columns=["geo", "week"])
    for name in ("sales", "search", "news_a", "price", "promo"):
        df[name] = rng.uniform(1, 10, len(df))
    df["tv"] = np.tile(rng.uniform(1, 10, 30), 2)
    df["tv_spend"], df["people"] = 2 * df["tv"], df["geo"].map({"a": 1.0, "b": 3.0})
    df.to_csv(tmp_path / "panel.csv", index=False)
    (tmp_path / "events.csv").write_text("name,date,before\nfair,2022-03-08,2\n")
    return tmp_path / "panel.csv"


def asked(file, **changes):
    roles = {"treatments": ["pro*,price=max"], "organic": ["news_*"], "national": ["tv"], "population": "people"}
    return TableColumns(
        **NAMED, media=["tv,search"], spend=["tv=tv_spend"], events=file.parent / "events.csv", **(roles | changes)
    )


def test_roles_are_named_by_columns_globs_and_baselines(file):
    panel = panel_of(file, asked(file))
    assert panel.treatments == (dcm.Treatment("promo", "min"), dcm.Treatment("price", "max"))
    assert (panel.organic, panel.national, panel.event_names) == (("news_a",), ("tv",), ("fair",))


@pytest.mark.filterwarnings("ignore:.*taken as controls")
def test_roles_are_named_where_the_rest_is_found_out(file):
    columns = TableColumns(None, "sales", None, treatments=["promo=2.5"], organic=["news_a"])
    panel = panel_of(file, columns)
    assert panel.treatments == (dcm.Treatment("promo", 2.5),)
    assert panel.organic == ("news_a",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"treatments": ["prise"]}, "--treatments 'prise' matches no column"),
        ({"treatments": ["price=low"]}, "'min', 'max' or a number"),
        ({"national": ["search"]}, "'search' is national"),
        ({"holidays": "DE-ZZ"}, "no subdivision 'ZZ'"),
    ],
)
def test_roles_that_cannot_be_are_refused(changes, message, file):
    pytest.importorskip("holidays")
    with pytest.raises(dcm.DataError, match=message):
        panel_of(file, asked(file, **changes))


def test_holidays_and_a_table_are_both_taken(file):
    pytest.importorskip("holidays")
    panel = panel_of(file, asked(file, holidays="DE-BY"))
    assert {"fair", "Easter Monday"} <= set(panel.event_names)


def test_a_later_file_is_read_with_the_roles_of_the_run(file):
    run = panel_of(file, asked(file))
    again = panel_like(file, run, None, mask_missing_kpi=False, keep_trailing_zeros=False)
    assert (again.treatments, again.organic, again.national, again.controls) == (
        run.treatments,
        run.organic,
        run.national,
        run.controls,
    )
    for name in ("exposure", "control", "spend", "population"):
        np.testing.assert_allclose(getattr(again, name), getattr(run, name))
