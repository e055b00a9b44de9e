"""Figure on the tests that try to break an estimate."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.io.grades import Grade
from deepcausalmmm_jax.plots.theme import ACTUAL_COLOR, MUTED, WARNING, labels, row_height, styled

_COLORS = {Grade.PASS: "#009E73", Grade.LOOK: "#E69F00", Grade.FAIL: WARNING}
_FAIL = 1.0  # position of the threshold for failing, the same for all tests
_FURTHEST = 2.0  # figures beyond this many times the threshold are drawn there
_COLUMNS = ("test", "figure", "look_above", "fail_above", "grade", "unit")


def refutation(table: pd.DataFrame) -> go.Figure:
    """The figure of each test as a multiple of the threshold from which the test is failed.

    Args:
        table: `Refutation.table`.

    Raises:
        DataError: a missing column, or no test.
    """
    for column in _COLUMNS:
        if column not in table:
            raise DataError(f"This figure needs the table of a refutation; it has no column {column!r}.")
    if table.empty:
        raise DataError("The refutation has no test.")
    shown = table.iloc[::-1]
    names = labels(list(shown["test"]))
    rows = [names[test] for test in shown["test"]]
    reached = (shown["figure"] / shown["fail_above"]).clip(0.0, _FURTHEST)
    figure = go.Figure()
    figure.add_bar(
        x=reached.fillna(0.0),
        y=rows,
        orientation="h",
        marker={"color": [_COLORS[Grade(grade)] for grade in shown["grade"]]},
        text=[str(grade) for grade in shown["grade"]],
        textposition="outside",
        cliponaxis=False,
        customdata=np.stack([shown["figure"], shown["fail_above"], shown["unit"]], axis=1),
        hovertemplate="%{y}: %{customdata[0]:.2f}, fail above %{customdata[1]:.2f} (%{customdata[2]})<extra></extra>",
        showlegend=False,
    )
    figure.add_scatter(
        x=shown["look_above"] / shown["fail_above"],
        y=rows,
        mode="markers",
        name="look above",
        marker={"symbol": "line-ns", "size": 16, "line": {"color": MUTED, "width": 2}},
        hoverinfo="skip",
    )
    figure.add_vline(x=_FAIL, line={"color": ACTUAL_COLOR, "dash": "dot"})
    styled(
        figure,
        "Tests that try to break the estimate",
        "figure of the test, as a multiple of the threshold for failing",
        "",
        height=row_height(len(shown), base=180),
    )
    figure.update_xaxes(range=[0.0, _FURTHEST * 1.1])
    return figure.update_yaxes(showgrid=False, tickmode="linear")
