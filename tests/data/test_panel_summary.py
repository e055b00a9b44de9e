import dataclasses

import numpy as np

import deepcausalmmm_jax as dcm


def test_a_panel_shows_its_size_period_and_columns(small_panel):
    assert repr(small_panel) == (
        "Panel(4 regions x 60 weeks, 2022-01-03 to 2023-02-20, KPI sales, 3 channels, 2 controls)"
    )
    table = small_panel.summary()
    assert list(table.index) == ["sales", *small_panel.channels, *small_panel.controls]
    assert list(table["role"]) == ["KPI", *["channel"] * 3, *["control"] * 2]
    for i, name in enumerate(small_panel.channels):
        row = table.loc[name]
        assert row["total"] == small_panel.exposure[:, :, i].sum()
        assert row["spend"] == small_panel.spend[:, :, i].sum()
        assert np.isclose(row["cost_per_unit"] * row["total"], row["spend"])
    html = small_panel._repr_html_()
    assert "60 weeks" in html
    assert "channel_3" in html


def test_gaps_count_as_missing_and_names_are_escaped(small_panel):
    weights = small_panel.weights.copy()
    weights[:, -6:] = 0.0
    gaps = dataclasses.replace(small_panel, weights=weights, spend=None, channels=("<b>", "b", "c"))
    table = gaps.summary()
    assert round(table.loc["sales", "missing_pct"], 6) == 10.0
    assert "spend" not in table
    assert "<b>" not in gaps._repr_html_()


def test_treatments_and_events_are_counted_apart_from_controls():
    panel, _ = dcm.simulate(2, 104, 3, 2, seed=0, treatments=1, events=1)
    assert len(panel.controls) == 4
    assert repr(panel).endswith("3 channels, 1 treatment, 1 event, 2 controls)")
