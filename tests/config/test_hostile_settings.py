"""Settings that no fit could use are refused in one sentence that names them, whatever form they come in."""

import json

import pytest

from deepcausalmmm_jax.checks import seed_number, whole_number
from deepcausalmmm_jax.config.priors import Priors
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.errors import ConfigError

HUGE = 10**400
TABLES = [
    None, 5, [], "x", {"links": None}, {5: 3}, {"x" * 1000: 1},
    {"priors": {"share": [["tv", 0.1, 1e300]]}}, {"priors": {"share": [["tv", 0.1, 1e-300]]}},
    {"priors": {"share": [["tv", 1e-320, 0.1]]}}, {"priors": {"share": [["tv", HUGE, 1]]}},
    {"priors": {"slope": [["tv", 1e300, 0.1]]}}, {"priors": {"decay": [["tv", 0.5, 1e200]]}},
    {"priors": {"control_sign": [["price", []]]}},
    {"penalties": {"trend": 1e-200}}, {"penalties": {"trend": 1e300}}, {"penalties": {"trend": 1e-9}},
    {"training": {"learning_rate": 1e3}}, {"training": {"max_epochs": HUGE}}, {"training": {"max_epochs": 10**9}},
    {"max_lag": 10**9}, {"hidden_size": 10**6}, {"harmonics": 10**6}, {"knot_spacing": HUGE},
    {"season_length": HUGE}, {"season_length": 1e9}, {"season_length": float("nan")},
    {"posterior": {"draws": 10**9}}, {"posterior": {"noise": 1e-20}}, {"posterior": {"noise_spread": 1e4}},
    {"published": {"hidden_size": 10**9}}, {"model": ["paper"]}, {"tune": 1},
    {"links": {"forbid": [["a", {}]]}}, {"links": {"fix": [["a", "b", HUGE]]}},
]  # fmt: skip


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table)[:40])
def test_settings_out_of_all_bounds_are_refused_in_one_sentence(table):
    with pytest.raises(ConfigError) as refused:
        Config.from_dict(table)
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert len(sentence) < 800
    assert sentence.endswith(".")


FILES = {
    "deep lists": ("links = " + "[" * 5000 + "]" * 5000, "nested too deeply"),
    "deep tables": ("links = " + "{a=" * 3000 + "1" + "}" * 3000, "nested too deeply"),
    "a number with too many digits": ("max_lag = " + "9" * 5000, "not valid TOML"),
    "infinity": ("season_length = inf", "season_length must be a finite number"),
    "a day": ("season_length = 2024-01-01", "season_length must be a finite number"),
    "no UTF-8": (b"\xff\xfe", "not valid TOML"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_in_one_sentence(name, tmp_path):
    text, message = FILES[name]
    path = tmp_path / "settings.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError, match=message) as refused:
        Config.from_toml(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("path", [None, 5, 5.5, "a\0b", "/", "x" * 5000])
def test_what_is_no_path_of_a_file_is_refused(path):
    with pytest.raises(ConfigError, match=r"from_toml needs|not valid TOML|cannot be read"):
        Config.from_toml(path)


@pytest.mark.parametrize(
    ("share", "sums"),
    [((("tv", 0.5, 0.1), ("radio", 0.5, 0.1)), True), ((("tv", 0.7, 0.1), ("radio", 0.6, 0.1)), False)],
)
def test_stated_shares_cannot_be_more_than_the_whole(share, sums):
    if sums:
        assert Priors(share=share).share == share
    else:
        with pytest.raises(ConfigError, match=r"sum to at most 1 \(these sum to 1.3\)"):
            Priors(share=share)


@pytest.mark.parametrize("seed", [-1, 2**32, HUGE, 0.5, True, None, "1", float("nan")])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(ConfigError, match="seed must be a whole number, 0 or more and below 2"):
        seed_number(seed)


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_a_seed_within_range_is_itself(seed):
    assert seed_number(seed) == seed


@pytest.mark.parametrize("count", [0, 2**31, HUGE, 1.0, False])
def test_a_count_out_of_range_is_refused(count):
    with pytest.raises(ConfigError, match="draws must be"):
        whole_number("draws", count)


def test_the_default_settings_are_within_all_bounds():
    assert Config.from_dict(json.loads(json.dumps(Config().to_dict()))) == Config()
