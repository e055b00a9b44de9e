"""Titles above a table and totals below it, as reporting tools write them, leave the panel what it is."""

import warnings

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from tests.data.files.tables import read, table

ABOVE = {
    "nothing": "",
    "a title": "Weekly report\n",
    "a title with a comma": "Weekly report, all shops\n\n",
    "an empty line": "\n",
    "a date and a link": 'Exported,2024-01-01\n"https://example.com/?a=1,2",\n,,\n',
    "Excel's mark": "sep=,\n",
}
BELOW = {
    "empty rows": (",,,,,\n" * 30, None),
    "a total": ("Total,1,2,3,4,5\n", "the last row, which has no date in column 'week' ('Total')"),
    "a German total": ("Gesamtergebnis,1,2,3,4,5\n", "('Gesamtergebnis')"),
    "a total beside an empty date": (",Grand total,2,3,4,5\n", "('Grand total')"),
    "a footnote": ("Source: our own shop\n", "('Source: our own shop')"),
    "both, apart": (",,,,,\nTotal,1,2,3,4,5\n,,,,,\n* estimated,,,,,\n", "the last 2 rows, which have no date"),
}


@pytest.mark.parametrize("above", ABOVE)
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_lines_above_the_header_are_passed_over(above, mark, tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(ABOVE[above].replace("sep=,", f"sep={mark}") + table().to_csv(index=False, sep=mark))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        panel = read(path)
    assert panel.shape == (1, len(table()), 2, 1)
    np.testing.assert_allclose(panel.kpi[0], table().sales)


@pytest.mark.parametrize("below", BELOW)
def test_rows_below_the_table_are_left_out_and_said(below, tmp_path):
    text, said = BELOW[below]
    path = tmp_path / "file.csv"
    path.write_text(table().to_csv(index=False) + text)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        panel = dcm.read_panel(path)
    np.testing.assert_allclose(panel.kpi[0], table().sales)
    assert len(caught) == (said is not None)
    assert said is None or said in str(caught[0].message)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        assert dcm.read_panel(path).shape == panel.shape  # by the schema that was kept


def test_a_sheet_with_a_title_and_a_total_is_read(tmp_path):
    path = tmp_path / "file.xlsx"
    total = pd.DataFrame([["Total", *table().drop(columns="week").sum()]], columns=table().columns)
    pd.concat([table(), total]).to_excel(path, index=False, startrow=3)
    with pytest.warns(dcm.DataWarning, match="Left out: the last row, .* 'week' .'Total'.\\."):
        panel = dcm.read_panel(path)
    np.testing.assert_allclose(panel.kpi[0], table().sales)


@pytest.mark.parametrize("row", ["Total,1,2,3,4,5\n", ",99,99,99,99,99\n"])
def test_a_row_without_a_date_among_others_is_refused(row, tmp_path):
    path, lines = tmp_path / "file.csv", table().to_csv(index=False).splitlines(keepends=True)
    path.write_text("".join([*lines[:20], row, *lines[20:]]))
    with pytest.raises(dcm.DataError, match="week"):
        read(path)


def test_a_last_row_of_figures_whose_date_is_missing_is_asked_about(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(table().to_csv(index=False) + ",99,99,99,99,99\n")
    with pytest.raises(dcm.DataError, match="Column 'week' has no date in row"):
        read(path)
