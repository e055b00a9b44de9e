import dataclasses
import json
from datetime import date

import pytest

import deepcausalmmm_jax as dcm

GOOD = {"channel": "tv", "start": "2024-01-01", "end": "2024-02-04", "lift": 120.0, "standard_error": 30.0}


def test_tests_of_the_settings_survive_dictionaries_and_toml(tmp_path):
    one = dcm.LiftTest(**GOOD, regions=["north", 7], kind="heavy_up", spend_change=0.5, unit="roi", name="spring")
    config = dcm.Config(experiments=[one, GOOD])
    assert config.experiments == (one, dcm.LiftTest(**GOOD))
    assert hash(config) == hash(dcm.Config(experiments=(one, dcm.LiftTest(**GOOD))))
    path = tmp_path / "settings.toml"
    path.write_text(config.to_toml())
    assert dcm.Config.from_toml(path) == config
    assert dcm.Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_settings_without_tests_have_none():
    assert dcm.Config().experiments == ()
    assert "experiments" not in dcm.Config().to_toml()


@pytest.mark.parametrize("day", ["2024-01-08", date(2024, 1, 8), "20240108", 20240108])
def test_days_may_be_written_in_several_ways(day):
    assert dcm.LiftTest(**(GOOD | {"start": day})).start == "2024-01-08"


def test_the_whole_spend_is_changed_unless_it_is_said():
    assert dcm.LiftTest(**GOOD).change == -1.0
    assert dcm.LiftTest(**GOOD, spend_change=-0.4).change == -0.4


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"channel": 3}, "name of a channel"),
        ({"channel": " "}, "name of a channel"),
        ({"name": ""}, "must be text"),
        ({"start": "January"}, "write a date as 2024-01-29"),
        ({"start": True}, "write a date as 2024-01-29"),
        ({"start": 12}, "two dates or two numbers"),
        ({"end": "2023-12-31"}, "before its start"),
        ({"lift": "much"}, "lift 'much'; it must be a finite number"),
        ({"lift": float("nan")}, "finite"),
        ({"lift": 10**400}, "finite"),
        ({"standard_error": 0.0}, "above 0"),
        ({"standard_error": -1.0}, "above 0"),
        ({"standard_error": float("inf")}, "finite"),
        ({"standard_error": 1e-9}, "no experiment is more precise"),
        ({"regions": "north"}, "list of names of regions"),
        ({"regions": []}, "list of names of regions"),
        ({"regions": ["north", "north"]}, "twice"),
        ({"regions": [float("nan")]}, "list of names of regions"),
        ({"kind": "switchback"}, "one of holdback, go_dark, heavy_up"),
        ({"unit": "clicks"}, "one of kpi, revenue, roi"),
        ({"kind": "heavy_up"}, "needs spend_change"),
        ({"kind": "heavy_up", "spend_change": -0.5}, "above 0"),
        ({"spend_change": 0.5}, "from -1"),
        ({"kind": "go_dark", "spend_change": -1.5}, "from -1"),
        ({"spend_change": 0.0}, "from -1"),
    ],
)
def test_a_bad_test_is_refused_in_one_sentence(changed, message):
    with pytest.raises(dcm.ConfigError, match=message) as refused:
        dcm.LiftTest(**(GOOD | changed))
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("experiments", "message"),
    [
        ("tests.csv", "must be a list of lift tests"),
        (GOOD, "must be a list of lift tests"),
        (3, "must be a list of lift tests"),
        ([3], "LiftTest"),
        ([{**GOOD, "chanel": "tv"}], "did you mean 'channel'"),
        ([{"channel": "tv"}], "needs start, end, lift, standard_error"),
    ],
)
def test_settings_take_tests_and_tables_of_their_fields_only(experiments, message):
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.Config(experiments=experiments)


def test_the_papers_model_takes_no_tests():
    with pytest.raises(dcm.ConfigError, match="the paper's model takes no lift tests"):
        dataclasses.replace(dcm.Config.paper(), experiments=(dcm.LiftTest(**GOOD),))
