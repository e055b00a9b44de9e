import pytest

import deepcausalmmm_jax as dcm


def test_toml_leads_back(tmp_path):
    config = dcm.Config(adstock="delayed", graph="none", penalties=dcm.Penalties(trend=0.5))
    (tmp_path / "config.toml").write_text(config.to_toml())
    assert dcm.Config.from_toml(tmp_path / "config.toml") == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("adstok = 'geometric'", r"Unknown setting adstok; did you mean adstock\?"),
        ("[penalties]\ntrnd = 1.0", r"Unknown setting penalties.trnd; did you mean penalties.trend\?"),
        (
            "adstock = 'weibull'",
            "one of geometric, delayed_geometric, delayed, binomial, weibull_pdf, weibull_cdf, none, got 'weibull'",
        ),
        ("hidden_size = 2.5", "hidden_size must be a whole number, got 2.5"),
        ("hidden_size = 0", "hidden_size must be 1 or more"),
        ("[training]\nlearning_rate = 'fast'", "learning_rate must be a finite number"),
        ("[training]\nlearning_rate = nan", "learning_rate must be a finite number"),
        ("[penalties]\nmedia_total = -1.0", "media_total must be a number above 0"),
        ("penalties = 3", "penalties must be a table"),
        ("harmonics = ", "not valid TOML"),
    ],
)
def test_bad_settings_are_refused_by_name(tmp_path, text, message):
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.Config.from_toml(path)


def test_absent_file_is_refused_by_name(tmp_path):
    with pytest.raises(dcm.ConfigError, match="cannot be read"):
        dcm.Config.from_toml(tmp_path / "none.toml")


def test_what_is_no_panel_config_or_result_is_refused_by_name(small_panel):
    with pytest.raises(dcm.ConfigError, match="needs a Config, got dict"):
        dcm.fit(small_panel, {"graph": "none"})
    with pytest.raises(dcm.ConfigError, match="needs the result of a fit, got str"):
        dcm.bootstrap("fit.npz", 2)


def test_counts_have_a_log_link_and_lead_back_from_toml():
    config = dcm.Config(counts=True)
    assert (config.link, config.reading) == ("log", "counts")
    assert dcm.Config.from_dict(config.to_dict()) == config
    assert dcm.Config.from_dict({"counts": True}) == dcm.Config().replace(counts=True) == config
    assert config.replace(counts=False).reading == "log"
    assert (dcm.Config().link, dcm.Config().reading) == ("identity", "identity")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"link": "auto"}, "counts need the log link; leave link out"),
        ({"model": "paper", "graph": "triangular"}, "counts must be false for the paper's model"),
        ({"experiments": [{"channel": "tv", "start": "2024-01-01", "end": "2024-02-01", "lift": 1.0,
                           "standard_error": 0.5}]}, "leave experiments out, or set counts=False"),
    ],
)  # fmt: skip
def test_settings_that_counts_do_not_have_are_refused(settings, message):
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.Config(counts=True, **settings)


@pytest.mark.parametrize(
    "stated",
    [
        lambda: dcm.Config(counts=True, link="identity"),
        lambda: dcm.Config(counts=True).replace(link="identity"),
        lambda: dcm.Config().replace(counts=True, link="identity"),
        lambda: dcm.Config.from_dict({"counts": True, "link": "identity"}),
    ],
)
def test_a_stated_identity_link_of_counts_is_refused(stated):
    with pytest.raises(dcm.ConfigError, match="counts need the log link"):
        stated()
