"""Hostile tables: each becomes a panel of finite numbers, or is refused in one sentence."""

import datetime
import decimal
import warnings

import numpy as np
import pandas as pd
from hypothesis import example, given
from hypothesis import strategies as st

from deepcausalmmm_jax.data.checks import refuse_unfit
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.panel_notes import panel_notes
from deepcausalmmm_jax.data.scaling import scales_from
from tests.fuzz.outcome import answered
from tests.fuzz.profile import cases

CELLS = st.one_of(
    st.sampled_from([None, "", "NA", "1,5", "1.5", "-", "=1", "inf", "1e400", True, [1], {}, (1,), pd.NaT, pd.NA, 1j]),
    st.sampled_from([decimal.Decimal("1.5"), decimal.Decimal("NaN"), datetime.date(2024, 1, 1), pd.Timedelta(1, "D")]),
    st.sampled_from([1e308, -1e308, 1e-320, 0.0, -0.0, float("nan"), float("inf"), 10**400, 2**63, np.float32(3)]),
    st.floats(),
    st.integers(-10, 10**20),
    st.text(max_size=5),
)
LABELS = st.one_of(
    st.sampled_from([None, "", " a", "a", "NA", 1, 1.0, "1", "01", 1.5, True, ("a", 1), 2**70, b"a", float("nan")]),
    st.text(max_size=4),
)
TYPES = st.sampled_from(
    [
        None, "object", "category", "string", "Float64", "float32", "complex", "datetime64[ns]", "timedelta64[ns]",
        "bool", "Int64", "uint8", "Sparse[float]",
    ]
)  # fmt: skip
COLUMNS = ("region", "week", "sales", "tv", "search", "spend", "price", "people")


@st.composite
def tables(draw):
    """A good table, then spoilt: single cells, labels, rows, whole columns and their types."""
    n_regions, n_weeks = draw(st.integers(1, 4)), draw(st.sampled_from([1, 2, 14, 20, 30]))
    rng = np.random.default_rng(draw(st.integers(0, 50)))
    rows = [(f"r{r}", t) for r in range(n_regions) for t in range(n_weeks)]
    table = pd.DataFrame(rows, columns=["region", "week"])
    table[["sales", "tv", "search", "spend", "price"]] = rng.gamma(2.0, size=(len(rows), 5)) * 100
    table["people"] = table["region"].str[1:].astype(int) * 1000.0 + 1000.0
    kinds = draw(
        st.lists(st.sampled_from(["cell", "label", "drop", "twice", "fill", "type", "scale", "rename"]), max_size=4)
    )
    for kind in kinds:
        table = _spoilt(draw, table, kind)
    return table


def _spoilt(draw, table, kind):
    if table.empty:
        return table
    names = [name for name in table.columns if name in COLUMNS]
    column, row = draw(st.sampled_from(names)), draw(st.integers(0, len(table) - 1))
    if kind == "drop":
        return table.drop(index=table.index[draw(st.lists(st.integers(0, len(table) - 1), max_size=len(table)))])
    if kind == "twice":
        return pd.concat([table, table.iloc[[row]]], ignore_index=True)
    if kind == "rename":
        return table.rename(columns={column: draw(st.sampled_from([f" {column}", column.upper(), 5, "tv", "trend"]))})
    changed = table.loc[:, ~table.columns.duplicated()].copy()
    if kind == "scale":
        factor = draw(st.sampled_from([0.0, -1.0, 1e-300, 1e12, 1e200, np.inf]))
        if pd.api.types.is_numeric_dtype(changed[column]) and not pd.api.types.is_bool_dtype(changed[column]):
            changed[column] = changed[column] * factor
        return changed
    if kind == "type":
        kind_of = draw(TYPES)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # numbers that the type cannot hold
                changed[column] = changed[column].astype(kind_of) if kind_of else changed[column]
        except (TypeError, ValueError, OverflowError, decimal.InvalidOperation):
            return table
        return changed
    cells = changed[column].astype(object).to_list()
    value = draw(LABELS if kind == "label" else CELLS)
    cells = [value] * len(cells) if kind == "fill" else [*cells[:row], value, *cells[row + 1 :]]
    changed[column] = pd.Series(cells, index=changed.index, dtype=object)
    return changed


ROLES = {
    "time": st.sampled_from(["sales", "none", None, 5]),
    "kpi": st.sampled_from(["tv", None, ["sales"]]),
    "media": st.sampled_from([("tv",), [], "tv", None, 5, ["tv", "tv"], {"tv"}, [None], np.array(["search", "tv"])]),
    "region": st.sampled_from([None, "week", ["region"], "people"]),
    "spend": st.sampled_from([None, ["spend", "price"], {"spend"}, 5, {"tv": None}, "spend", {"radio": "spend"}]),
    "controls": st.sampled_from([["price"], None, (), 5, ["sales"], np.array(["price"])]),
    "revenue_per_kpi": st.sampled_from([2.0, "price", True, -1, float("nan"), [1], 10**400, decimal.Decimal(2)]),
    "population": st.sampled_from(["people", "price", 5, ["people"]]),
    "missing_kpi": st.sampled_from(["mask", None, []]),
    "trailing_zeros": st.sampled_from(["keep", None, []]),
}


@st.composite
def roles(draw):
    """One or two arguments changed, so that most others stay valid."""
    names = draw(st.lists(st.sampled_from(sorted(ROLES)), min_size=1, max_size=2, unique=True))
    return {name: draw(ROLES[name]) for name in names}


GOOD = {"time": "week", "kpi": "sales", "media": ["tv", "search"], "region": "region", "spend": {"tv": "spend"}}


def _panel_is_sound(panel):
    for name in ("kpi", "weights", "exposure", "control", "revenue_per_kpi", "population"):
        array = getattr(panel, name)
        assert array is None or np.isfinite(array).all(), name
    assert (panel.exposure >= 0).all()
    assert panel.spend is None or (panel.spend[~np.isnan(panel.spend)] >= 0).all()
    assert panel.regions.is_unique
    assert panel.weeks.is_unique
    assert not (panel.weights[~panel.present] > 0).any()


def _ready_to_fit(panel):
    weights = training_weights(panel, 3)
    refuse_unfit(panel, weights)
    panel_notes(panel, weights)
    return scales_from(panel, weights)


def _is_sound_up_to_its_scales(panel):
    if panel is None:
        return
    _panel_is_sound(panel)
    scales = answered(lambda: _ready_to_fit(panel))
    if scales is not None:
        for name, array in scales._asdict().items():
            assert array is None or np.isfinite(array).all(), name
        assert (scales.kpi > 0).all()


@given(table=tables())
@example(table=pd.DataFrame({**{name: [1.0] for name in COLUMNS}, "sales": pd.Series([10**400], dtype=object)}))
@cases("tables")
def test_a_hostile_table_is_a_sound_panel_or_one_sentence(table):
    controls = {"controls": ["price"], "population": "people", "missing_kpi": "mask"}
    _is_sound_up_to_its_scales(answered(lambda: Panel.from_dataframe(table, **GOOD, **controls)))


@given(table=tables(), roles=roles())
@cases("tables")
def test_hostile_roles_are_a_sound_panel_or_one_sentence(table, roles):
    _is_sound_up_to_its_scales(answered(lambda: Panel.from_dataframe(table, **(GOOD | roles))))
