import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.limits import read_limits


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "bounds.csv"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_bounds_read_the_same_whatever_separates_their_columns(written, delimiter):
    rows = ["Channel,region,low,high,Kind", "tv,501,0.8,1.5,Relative", "tv,,10,,absolute", "radio, ,,20,"]
    absolute, relative = read_limits(written("\n".join(row.replace(",", delimiter) for row in rows) + "\n"))
    assert relative == {("tv", "501"): (0.8, 1.5)}
    assert absolute == {"tv": (10.0, None), "radio": (None, 20.0)}


def test_regions_stay_as_they_are_written(written):
    absolute, _ = read_limits(written("channel,region,low,high\ntv,01,1,2\ntv,NA,3,4\ntv,1,5,6\n"))
    assert absolute == {("tv", "01"): (1.0, 2.0), ("tv", "NA"): (3.0, 4.0), ("tv", "1"): (5.0, 6.0)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("channel,low,high\ntv,1,2\ntv,3,4\n", "two rows of absolute bounds for tv, the second in line 3"),
        ("channel,region,low,high\ntv,501,1,2\ntv,501,1,2\n", "two rows of absolute bounds for tv in 501"),
        ("channel,low,high,kind\ntv,1,2,share\n", "kind must be absolute or relative, got 'share' in line 2"),
        ("channel;low;high\ntv;0,5;2\n", "numbers such as 0.5, or empty, got '0,5' in line 2"),
        ("channel,low\ntv,1\n", "no column 'high'"),
        ("channel,low,low,high\ntv,1,1,2\n", "two columns named 'low'"),
        ("channel,low,high\n,1,2\n", "line 2 has no channel"),
        ("channel,regoin,low,high\ntv,a,1,2\n", r"has a column 'regoin'; did you mean 'region'\?"),
        ("channel,low,high,x\ntv,1,2,3\n", "has a column 'x'; bounds have channel, region, low, high and kind"),
    ],
)
def test_bounds_that_can_be_read_in_two_ways_are_refused(written, text, message):
    with pytest.raises(dcm.ConfigError, match=message) as caught:
        read_limits(written(text))
    assert "\n" not in str(caught.value)


def test_a_file_of_bounds_that_is_not_there_is_named(tmp_path):
    with pytest.raises(dcm.DataError, match=r"There is no file .*nowhere\.csv"):
        read_limits(tmp_path / "nowhere.csv")


def test_names_that_our_own_files_escape_are_read_as_they_are(written):
    absolute, _ = read_limits(written("channel,region,low,high\n'=tv,'-1,1,2\n''=tv,,3,4\n'90s,,5,6\n"))
    assert absolute == {("=tv", "-1"): (1.0, 2.0), "'=tv": (3.0, 4.0), "'90s": (5.0, 6.0)}
