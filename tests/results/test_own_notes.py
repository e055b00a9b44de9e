"""Notes as they are shown: what holds for all channels is said once."""

import pytest

from deepcausalmmm_jax.results.own_notes import own_notes, sentences_on_all


def test_what_holds_for_all_intervals_is_said_once_and_not_in_every_row(small_ensemble):
    whole, own = small_ensemble.notes(), own_notes(small_ensemble)
    said = sentences_on_all(small_ensemble)
    assert any("too narrow" in sentence for sentence in said)
    assert whole["note"].str.contains("too narrow").all()
    assert not own["note"].str.contains("too narrow").any()
    assert own.drop(columns="note").equals(whole.drop(columns="note"))


def test_each_channel_keeps_what_is_said_of_it_alone(small_result, small_ensemble):
    own = own_notes(small_ensemble)
    for channel, note in small_ensemble.notes()["note"].items():
        assert note.startswith(own.loc[channel, "note"])
    assert own_notes(small_result).equals(small_result.notes())
    assert sentences_on_all(small_result) == []


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_intervals_are_those_of_the_level(small_ensemble, level):
    assert own_notes(small_ensemble, level)["share_low"].equals(small_ensemble.notes(level)["share_low"])
