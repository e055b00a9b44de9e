"""A saved plan comes back as it was; one that was damaged or changed is refused in one sentence."""

import json

import numpy as np
import pandas as pd
import pytest

from deepcausalmmm_jax.errors import OutputError
from deepcausalmmm_jax.planning.plan_files import TABLES, read_plan, write_plan

SPEND = {"spend_today": [1.5, 2.0], "spend_plan": [2.5, 1.0]}
CHANNELS = ["=cmd|' /C calc'!A0", "NA"]
FIGURES = pd.Index(["spend", "incremental_outcome", "roi"], name="figure")
PLAN = {
    "table": pd.DataFrame({"channel": CHANNELS, "region": [1, 2], **SPEND}),
    "channels": pd.DataFrame(SPEND, index=pd.Index(CHANNELS, name="channel")),
    "summary": pd.DataFrame({"today": 1.0, "plan": 2.0, "change": 1.0}, index=FIGURES),
    "binding": pd.DataFrame({"limit": ["=1"], "value": [1.0], "shadow_price": [0.5]}),
    "starts": pd.DataFrame({"share": [1.0, 0.5], "best": [True, False]}),
    "draws": pd.DataFrame({"today": [1.0, 2.0], "plan": [2.0, 3.0]}, index=pd.RangeIndex(2, name="replicate")),
}
REST = {"total": 3.5, "chance_better": np.nan, "shadow_price": 0.1, "level": 0.9, "method": "SLSQP", "notes": ["one"]}


@pytest.fixture
def folder(tmp_path):
    write_plan(tmp_path / "plan", PLAN, REST)
    return tmp_path / "plan"


def test_a_plan_comes_back_as_it_was(folder):
    tables, rest = read_plan(folder)
    for name in TABLES:
        pd.testing.assert_frame_equal(tables[name], PLAN[name], check_dtype=False, check_index_type=False)
    assert np.isnan(rest.pop("chance_better"))
    assert rest == {name: value for name, value in REST.items() if name != "chance_better"}


@pytest.mark.parametrize("regions", [["01", "2"], ["NA", "north"], ["1", "-2"], [1, 20]])
def test_regions_come_back_as_they_are_named(regions, tmp_path):
    write_plan(tmp_path, PLAN | {"table": PLAN["table"].assign(region=regions)}, REST)
    assert read_plan(tmp_path)[0]["table"]["region"].tolist() == regions
    assert json.loads((tmp_path / "plan.json").read_text())["schema"] == 2


@pytest.mark.parametrize("weeks", [pd.to_datetime(["2024-01-01", "2024-01-08"]), pd.Index([7, 8])])
def test_weeks_come_back_as_days_or_numbers(weeks, tmp_path):
    """As text they match no week of the panel."""
    table = PLAN["table"].assign(time=weeks)
    write_plan(tmp_path, PLAN | {"table": table}, REST)
    assert pd.Index(read_plan(tmp_path)[0]["table"]["time"]).equals(weeks)


def test_a_plan_without_refits_comes_back(tmp_path):
    empty = PLAN | {
        "draws": pd.DataFrame(index=pd.RangeIndex(0, name="replicate")),
        "binding": PLAN["binding"].iloc[:0],
    }
    write_plan(tmp_path, empty, REST)
    tables, _ = read_plan(tmp_path)
    assert len(tables["draws"]) == len(tables["binding"]) == 0


@pytest.mark.parametrize("name", [*(f"{table}.csv" for table in TABLES), "plan.json"])
def test_every_changed_byte_is_noticed(folder, name):
    whole = (folder / name).read_bytes()
    for at in np.linspace(0, len(whole) - 1, 25).astype(int):
        for changed in (whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], whole[:at]):
            (folder / name).write_bytes(changed)
            with pytest.raises(OutputError, match="damaged, or one of its files|holds no saved plan") as refused:
                read_plan(folder)
            assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", [*(f"{table}.csv" for table in TABLES), "plan.json"])
def test_a_missing_file_is_noticed(folder, name):
    (folder / name).unlink()
    with pytest.raises(OutputError, match="holds no saved plan"):
        read_plan(folder)


def _without_checksum(folder):
    told = json.loads((folder / "plan.json").read_text())
    del told["checksum"], told["schema"]
    (folder / "plan.json").write_text(json.dumps(told))


def test_a_plan_from_before_the_checksum_is_read(folder):
    _without_checksum(folder)
    assert read_plan(folder)[1]["total"] == 3.5


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("table.csv", "spend_plan", "spend"),
        ("table.csv", "2.5", "much"),
        ("channels.csv", "1.5", ""),
        ("starts.csv", "best", "worst"),
        ("plan.json", "3.5", '"much"'),
        ("plan.json", "3.5", "true"),
        ("plan.json", "3.5", "[" * 100_000 + "]" * 100_000),
    ],
)
def test_one_from_before_the_checksum_is_judged_by_its_columns(folder, name, before, after):
    _without_checksum(folder)
    (folder / name).write_text((folder / name).read_text().replace(before, after, 1))
    with pytest.raises(OutputError, match="holds no saved plan"):
        read_plan(folder)
