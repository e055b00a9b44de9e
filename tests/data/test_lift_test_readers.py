import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm

PLAIN = """channel,start,end,lift,standard_error,regions,kind,spend_change,unit,name
tv,2024-01-01,2024-01-28,1200,150,north;01,,,,
search,2024-03-04,2024-03-31,-50.5,20,,heavy_up,0.5,revenue,spring
"""

BOTH = "channel,start,end,lift,standard_error,lower,upper,level\ntv,2024-01-01,2024-01-28,100,{},67.1,132.9,0.9\n"


def _file(tmp_path, text):
    path = tmp_path / "tests.csv"
    path.write_text(text)
    return path


def test_a_table_with_the_fields_as_columns_gives_the_tests(tmp_path):
    one, other = dcm.read_lift_tests(_file(tmp_path, PLAIN))
    assert one == dcm.LiftTest("tv", "2024-01-01", "2024-01-28", 1200.0, 150.0, regions=("north", "01"))
    assert other == dcm.LiftTest(
        "search", "2024-03-04", "2024-03-31", -50.5, 20.0, None, "heavy_up", 0.5, "revenue", "spring"
    )


@pytest.mark.parametrize("level", ["0.9", "90%"])
@pytest.mark.parametrize("names", ["lift,lower,upper", "point_estimate,lower_bound,upper_bound"])
def test_an_interval_stands_for_the_standard_error(tmp_path, names, level):
    text = f"channel,start,end,{names},level,p_value\ntv,2024-01-01,2024-01-28,100,67.1,132.9,{level},0.01\n"
    (test,) = dcm.read_lift_tests(_file(tmp_path, text))
    assert test.standard_error == pytest.approx(20.0, abs=0.01)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PLAIN.replace("regions", "region"), "column 'region'.*did you mean 'regions'"),
        (PLAIN.replace("channel,", "x,", 1), "column 'x'"),
        (PLAIN.replace("lift,standard_error", "standard_error,lower"), "no column 'lift'"),
        (PLAIN.replace("name\n", "unit\n"), "two columns for 'unit'"),
        (PLAIN.replace(",150,", ",many,"), "Row 1 .*'many' in column 'standard_error', which is not a number"),
        (PLAIN.replace(",150,", ",0,"), "Row 1 .*above 0"),
        (PLAIN.replace(",20,", ",,"), "Row 2 .*no standard_error"),
        (PLAIN.replace("heavy_up", "heavy"), "Row 2 .*one of holdback, go_dark, heavy_up"),
        ("channel,start,end,lift,lower,upper,level\ntv,1,4,9,1,5,0.9\n", "which must contain it"),
        ("channel,start,end,lift,lower,upper,level\ntv,1,4,3,1,5,90\n", "write 0.9 or 90%"),
        (BOTH.format(13), "Row 1 .* has the standard_error 13, and its interval says 20; leave out the one"),
        (PLAIN.replace(",0.5,", ",half,"), "Row 2 .*'half' in column 'spend_change', which is not a number"),
    ],
)
def test_a_wrong_table_is_refused_with_its_row(tmp_path, text, message):
    with pytest.raises(dcm.DataError, match=message):
        dcm.read_lift_tests(_file(tmp_path, text))


@pytest.mark.parametrize("error", [20, 19, 25.5])  # the last as a t distribution of few tests has it
def test_a_standard_error_beside_its_interval_is_taken(tmp_path, error):
    (test,) = dcm.read_lift_tests(_file(tmp_path, BOTH.format(error)))
    assert test.standard_error == error


@pytest.mark.parametrize(("cell", "change"), [("50%", 0.5), (" 50 %", 0.5), ("0.5", 0.5), ("400%", 4.0)])
def test_a_change_may_be_a_percentage(tmp_path, cell, change):
    assert dcm.read_lift_tests(_file(tmp_path, PLAIN.replace(",0.5,", f",{cell},")))[1].spend_change == change


def test_the_delimiter_is_found_out(tmp_path):
    semicolons = PLAIN.replace("north;01", "north").replace(",", ";")
    assert dcm.read_lift_tests(_file(tmp_path, semicolons))[0].regions == ("north",)


@pytest.mark.parametrize("rows", [1, 2])
def test_regions_between_semicolons_may_be_more_than_columns(tmp_path, rows):
    """Commas between columns are known by the header, however many semicolons the rows have."""
    text = "channel,start,end,lift,standard_error,regions\n" + "tv,1,4,9,2,a;b;c;d;e;f;g;h;i\n" * rows
    tests = dcm.read_lift_tests(_file(tmp_path, text))
    assert [test.regions for test in tests] == [tuple("abcdefghi")] * rows


@pytest.mark.parametrize("regions", [[["a", "b"]], ["a; b"]])
def test_a_parquet_file_may_have_regions_as_a_list(tmp_path, regions):
    row = {"channel": ["tv"], "start": ["2024-03-04"], "end": ["2024-03-31"], "lift": [3.0], "standard_error": [1.0]}
    pd.DataFrame(row | {"regions": regions}).to_parquet(tmp_path / "tests.parquet")
    (test,) = dcm.read_lift_tests(tmp_path / "tests.parquet")
    assert test.regions == ("a", "b")


def test_numbered_regions_beside_an_empty_cell_keep_their_numbers(tmp_path):
    row = {"channel": "tv", "start": "2024-03-04", "end": "2024-03-31", "lift": 3.0, "standard_error": 1.0}
    pd.DataFrame([row | {"regions": 501.0}, row | {"regions": np.nan}]).to_parquet(tmp_path / "tests.parquet")
    assert [test.regions for test in dcm.read_lift_tests(tmp_path / "tests.parquet")] == [("501",), None]
