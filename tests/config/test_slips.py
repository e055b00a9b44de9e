"""Misspelt settings are answered with the right name, and priors may be tables by name."""

import inspect

import pytest

import deepcausalmmm_jax as dcm


@pytest.mark.parametrize(
    ("settings", "keywords", "sentence"),
    [
        (dcm.Training, {"max_epoch": 300}, "Unknown setting max_epoch; did you mean max_epochs?"),
        (dcm.Config, {"grph": "none"}, "Unknown setting grph; did you mean graph?"),
        (dcm.Config, {"max_epochs": 300}, "did you mean training.max_epochs, that is training=Training(max_epochs=...)?"),
        (dcm.Config, {"draw": 300}, "did you mean posterior.draws"),
        (dcm.Config, {"colour": 1}, "Unknown setting colour; known are model"),
        (dcm.Priors, {"rois": ()}, "did you mean roi?"),
        (dcm.PosteriorSettings, {"metod": "hmc"}, "did you mean method?"),
        (dcm.Links, {"forbidden": ()}, "did you mean forbid?"),
        (dcm.LiftTest, {"chanel": "tv"}, "did you mean channel?"),
    ],
)  # fmt: skip
def test_an_unknown_keyword_is_answered_with_the_one_that_was_meant(settings, keywords, sentence):
    with pytest.raises(dcm.ConfigError) as refused:
        settings(**keywords)
    assert sentence in str(refused.value)


def test_the_signature_is_that_of_the_fields():
    assert list(inspect.signature(dcm.Training).parameters) == list(dcm.Training.__dataclass_fields__)


def test_a_setting_of_a_group_is_found_from_a_file_too():
    with pytest.raises(dcm.ConfigError, match="did you mean training.max_epochs"):
        dcm.Config.from_dict({"max_epochs": 3})


def test_priors_by_name_are_the_same_as_priors_in_a_list(tmp_path):
    listed = dcm.Priors(roi=(("tv", 2.0, 0.5), ("search", 3.0, 1.0)), control_sign=(("price", "negative"),))
    named = dcm.Priors(roi={"tv": (2.0, 0.5), "search": [3.0, 1.0]}, control_sign={"price": "negative"})
    assert named == listed
    assert hash(named) == hash(listed)
    (tmp_path / "own.toml").write_text("[priors.roi]\ntv = [2.0, 0.5]\nsearch = [3.0, 1.0]\n")
    assert dcm.Config.from_toml(tmp_path / "own.toml").priors.roi == listed.roi


@pytest.mark.parametrize("entry", [{"tv": 2.0}, {"tv": (2.0,)}, {"tv": (2.0, 0.5, 1.0)}, {"tv": "2"}, {5: (2.0, 0.5)}])
def test_a_prior_by_name_of_another_form_is_refused(entry):
    with pytest.raises(dcm.ConfigError, match="priors.roi"):
        dcm.Priors(roi=entry)


def test_settings_list_what_differs_from_the_defaults():
    assert len(dcm.Config().summary()) == 0
    changed = dcm.Config(graph="none", training=dcm.Training(max_epochs=300))
    table = changed.summary()
    assert list(table.index) == ["graph", "training.max_epochs"]
    assert table.loc["training.max_epochs"].tolist() == [300, 1500]
    assert len(changed.summary(everything=True)) > 50
    assert "training.max_epochs" in changed._repr_html_()
    assert "defaults" in dcm.Config()._repr_html_()
