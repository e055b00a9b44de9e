"""Kinds of curves in the settings: written and read back, and refused by name."""

import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.config.curves import ADSTOCKS, SATURATIONS, CurveKind

TV = dcm.ChannelCurves("tv", adstock="weibull_pdf", saturation="logistic", saturation_first=True)
CONFIG = dcm.Config(adstock="none", saturation="log", curves=(TV, dcm.ChannelCurves("radio", saturation="root")))


def test_toml_and_dictionaries_lead_back(tmp_path):
    (tmp_path / "config.toml").write_text(CONFIG.to_toml())
    assert "[[curves]]" in CONFIG.to_toml()
    assert dcm.Config.from_toml(tmp_path / "config.toml") == CONFIG
    assert dcm.Config.from_dict(CONFIG.to_dict()) == CONFIG


def test_a_channel_has_its_own_kinds_and_the_common_ones_where_it_states_none():
    kinds = CONFIG.curve_kinds(("search", "radio", "tv"), 13).channels
    assert kinds == (
        CurveKind("none", "log"),
        CurveKind("none", "root"),
        CurveKind("weibull_pdf", "logistic", saturation_first=True),
    )


@pytest.mark.parametrize("adstock", ADSTOCKS)
@pytest.mark.parametrize("saturation", SATURATIONS)
def test_every_kind_may_be_stated_and_has_parameters_of_its_own(adstock, saturation):
    kind = dcm.Config(adstock=adstock, saturation=saturation).common_curve
    assert len(set(kind.parameters)) == len(kind.parameters)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"saturation": "hil"}, "Setting saturation must be one of hill, .*, got 'hil'"),
        ({"curve": "best"}, "Setting curve must be one of stated, auto"),
        ({"saturation_first": 1}, "Setting saturation_first must be a bool"),
        ({"curves": "tv"}, "Setting curves must be a list of ChannelCurves, got 'tv'"),
        ({"curves": ("tv",)}, "got 'tv' in it"),
        ({"curves": (TV, TV)}, "names the channel 'tv' twice"),
        ({"curves": ({"channel": "tv", "adstok": "none"},)}, "did you mean 'adstock'"),
        ({"curves": ({"adstock": "none"},)}, "needs a channel in each entry"),
        ({"curves": ({"channel": "tv", "adstock": "weibul_pdf"},)}, "'tv' the adstock 'weibul_pdf'.* 'weibull_pdf'"),
        ({"curves": ({"channel": "tv", "saturation_first": "yes"},)}, "must be true or false"),
        ({"curves": ({"channel": ""},)}, "needs the name of a channel"),
        (
            {"curves": (TV,), "priors": dcm.Priors(slope=(("tv", 1.0, 0.2),))},
            "'tv', whose 'logistic' saturation has no",
        ),
        ({"adstock": "none", "priors": dcm.Priors(decay=(("tv", 0.5, 0.2),))}, "'none' carry-over has no decay"),
        ({"adstock": "binomial", "priors": dcm.Priors(half_life=(("tv", 2.0, 0.5),))}, "has no half-life"),
        ({"model": "paper", "graph": "triangular", "saturation": "log"}, "hill for the paper's model"),
    ],
)
def test_bad_curves_are_refused_by_name(changes, message):
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.Config(**changes)


def test_a_channel_has_a_decay_or_a_half_life():
    with pytest.raises(dcm.ConfigError, match="a decay or a half-life for each channel, not both, got \\['tv'\\]"):
        dcm.Priors(decay=(("tv", 0.5, 0.1),), half_life=(("tv", 2.0, 0.5),))


@pytest.mark.parametrize("entry", [("tv", 0.0, 0.5), ("tv", 2.0, 0.0), ("tv", 2.0), ("tv", "two", 0.5)])
def test_a_half_life_is_a_positive_number_with_its_error(entry):
    with pytest.raises(dcm.ConfigError, match=r"priors\.half_life"):
        dcm.Priors(half_life=(entry,))


def test_curves_of_an_unknown_channel_are_refused_when_the_panel_is_known(small_panel):
    config = dcm.Config(curves=(dcm.ChannelCurves("channel_9"),))
    with pytest.raises(dcm.ConfigError, match="'channel_9', which the panel does not have; did you mean"):
        dcm.fit(small_panel, config)


def test_a_kind_that_is_still_to_be_chosen_is_refused_where_one_fit_is_not_all(small_panel):
    with pytest.raises(dcm.ConfigError, match="use its result.config"):
        dcm.cross_validate(small_panel, dcm.Config(curve="auto"), folds=2)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (("tv", "decay", 0.5), r"priors\.curve must be a channel, one of decay, half_saturation, slope"),
        (("tv", "delay", 0.5, 0.1), "one of decay, half_saturation, slope"),
        ((5, "decay", 0.5, 0.1), "one of decay, half_saturation, slope"),
        (("tv", "decay", 1.0, 0.1), "a median between 0 and 1"),
        (("tv", "slope", 0.0, 0.1), "a median between 0 and 1e"),
        (("tv", "slope", 1.0, 0.0), "a spread from 0.0001 to 100"),
        (("tv", "slope", 1.0, "0.1"), "the spread of its log"),
        ("slope", r"priors\.curve must be a list of lists"),
    ],
)
def test_a_prior_by_median_and_spread_is_refused_where_it_is_none(entry, said):
    with pytest.raises(dcm.ConfigError, match=said):
        dcm.Priors(curve=(entry,))


def test_a_parameter_of_a_channel_has_one_prior_and_exists(tmp_path):
    own = ("tv", "decay", 0.5, 0.1)
    for other in ({"decay": (("tv", 0.5, 0.1),)}, {"half_life": (("tv", 2.0, 0.5),)}, {}):
        with pytest.raises(dcm.ConfigError, match="one prior for each parameter of a channel"):
            dcm.Priors(curve=(own,) if other else (own, own), **other)
    with pytest.raises(dcm.ConfigError, match="'tv', whose 'linear' saturation has no slope"):
        dcm.Config(saturation="linear", priors=dcm.Priors(curve=(("tv", "slope", 1.0, 0.1),)))
    config = dcm.Config(priors=dcm.Priors(curve=(own, ("tv", "slope", 1.2, 0.3))))
    (tmp_path / "config.toml").write_text(config.to_toml())
    assert dcm.Config.from_toml(tmp_path / "config.toml") == config
