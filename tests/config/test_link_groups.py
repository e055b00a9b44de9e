"""Groups of regions in settings: the forms that are taken, and one sentence for those that are not."""

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.settings_options import settings_of

NORTH, SOUTH = ("north", ("a", "b")), ("south", ("c",))


def test_groups_come_back_from_toml_as_they_were_stated(tmp_path):
    for groups in ("one", "learn", (NORTH, SOUTH), [["north", ["a", 7]], ["south", ["c"]]]):
        config = dcm.Config(link_groups=groups)
        (tmp_path / "config.toml").write_text(config.to_toml())
        assert dcm.Config.from_toml(tmp_path / "config.toml") == config
    assert config.link_groups == (("north", ("a", "7")), ("south", ("c",)))
    assert dcm.Config(link_groups=(("north", ("a", np.int64(7))), SOUTH)) == config
    assert dcm.Config().link_groups == "one"


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("two", 'must be "one", "learn", or regions by group'),
        (2, 'must be "one", "learn", or regions by group'),
        ({"north": ["a"]}, 'must be "one", "learn", or regions by group'),
        ((("north", "ab"), SOUTH), 'must be "one", "learn", or regions by group'),
        ((("north", (True,)), SOUTH), 'must be "one", "learn", or regions by group'),
        ((), 'names no group; state two or more, or set link_groups="one"'),
        ((NORTH, ("south", ())), "'south' of link_groups has no region; name its regions, or leave it out"),
        ((NORTH,), "one group alone, 'north' with the region 'a' and 1 other; state two or more, or set"),
        ((NORTH, ("south", ("b",))), "the region 'b' in the groups 'north' and 'south'; name it once"),
        ((NORTH, ("south", ("c", "c"))), "the region 'c' in 'south' twice; name it once"),
        ((NORTH, ("north", ("c",))), "two groups 'north'; give each a name of its own"),
    ],
)
def test_other_groups_are_refused_in_one_sentence(groups, message):
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.Config(link_groups=groups)


def test_groups_need_a_graph_and_the_default_model():
    with pytest.raises(dcm.ConfigError, match='link_groups needs a channel graph, but graph is "none"'):
        dcm.Config(link_groups="learn", graph="none")
    with pytest.raises(dcm.ConfigError, match="link_groups must be one, since the paper's model has one graph"):
        dcm.Config(model="paper", graph="notears", link_groups=(NORTH, SOUTH))


def test_on_the_command_line_groups_are_a_word_or_a_file(tmp_path):
    path = tmp_path / "groups.csv"
    path.write_text("region;group\n01;north\nc; south\n02;north\n")
    assert settings_of(None, None, link_groups="learn") == dcm.Config(link_groups="learn")
    stated = settings_of(None, None, link_groups=str(path)).link_groups
    assert stated == (("north", ("01", "02")), ("south", ("c",)))
    for text, message in (
        ("region,group\na,north\n\n,\nb,\n", "a row with the region 'b' has no group"),
        ("region,group\na,north\n,south\n", "a row with the group 'south' has no region"),
        ("region,place\na,north\n", "no column 'group'; groups need region and group"),
        ("region,group,Region\na,north,b\n", "2 columns 'region'; groups need region and group"),
    ):
        path.write_text(text)
        with pytest.raises(dcm.ConfigError, match=message):
            settings_of(None, None, link_groups=str(path))
    with pytest.raises(dcm.ConfigError, match="--link-groups must be one, learn, or a CSV file of region and group"):
        settings_of(None, None, link_groups="north.csv")
