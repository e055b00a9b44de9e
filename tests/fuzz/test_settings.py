"""Hostile settings and priors: each is a Config that survives TOML, or is refused in one sentence."""

import dataclasses
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from deepcausalmmm_jax.config.curves import ChannelCurves
from deepcausalmmm_jax.config.paper import Published
from deepcausalmmm_jax.config.penalties import Penalties
from deepcausalmmm_jax.config.priors import PosteriorSettings, Priors
from deepcausalmmm_jax.config.settings import Config, Links, Training
from tests.fuzz.outcome import answered
from tests.fuzz.profile import cases

VALUES = st.one_of(
    st.sampled_from(
        [None, True, "", "notears", "paper", "none", [], {}, (), float("nan"), float("inf"), 10**400, -1, 0]
    ),
    st.sampled_from([1e-320, 1e-300, 1e-9, 1e9, 1e300, 2**31, b"x", 1j]),
    st.integers(-5, 10**9),
    st.floats(),
    st.text(max_size=4),
    st.lists(st.integers(0, 3), max_size=3),
)
NAMES = st.sampled_from(["tv", "radio", "search", "", "5"])
NUMBERS = st.one_of(st.floats(), st.floats(0, 1), st.sampled_from([0, 1, True, None, 1e-300, 1e300, 10**400, "1"]))
TRIPLES = st.lists(st.one_of(st.tuples(NAMES, NUMBERS, NUMBERS), st.lists(NUMBERS, max_size=4), VALUES), max_size=3)
QUADRUPLES = st.lists(st.one_of(st.tuples(NAMES, st.sampled_from(["decay", "slope", "", 5]), NUMBERS, NUMBERS), VALUES), max_size=3)  # fmt: skip
PAIRS = st.lists(st.one_of(st.tuples(NAMES, NAMES), st.lists(NAMES, max_size=3), VALUES), max_size=3)

CURVE_KINDS = st.one_of(st.sampled_from(["none", "weibull_pdf", "log", "root"]), VALUES)


def section(cls, **special):
    named = {item.name: special.get(item.name, VALUES) for item in dataclasses.fields(cls)}
    return st.one_of(st.fixed_dictionaries({}, optional=named), VALUES)


SECTIONS = {
    "links": section(Links, forbid=PAIRS, require=PAIRS, fix=TRIPLES, tiers=st.lists(st.lists(NAMES, max_size=3), max_size=3)),
    "priors": section(Priors, share=TRIPLES, roi=TRIPLES, decay=TRIPLES, half_saturation=TRIPLES, slope=TRIPLES, control_sign=PAIRS, half_life=TRIPLES, cpik=TRIPLES, mroi=TRIPLES, total=st.one_of(st.tuples(NUMBERS, NUMBERS), VALUES), curve=QUADRUPLES),
    "posterior": section(PosteriorSettings),
    "penalties": section(Penalties),
    "training": section(Training),
    "published": section(Published),
    "curves": st.lists(section(ChannelCurves, channel=NAMES, adstock=CURVE_KINDS, saturation=CURVE_KINDS), max_size=2),
}  # fmt: skip


@st.composite
def settings_tables(draw):
    """One to three settings changed, so that most others stay valid."""
    plain = [item.name for item in dataclasses.fields(Config) if item.name not in SECTIONS]
    names = draw(st.lists(st.sampled_from([*plain, *SECTIONS, *SECTIONS, "unknown", 5]), min_size=1, max_size=3))
    return {name: draw(SECTIONS.get(name, VALUES)) for name in names}


def _survives_toml(config):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "settings.toml"
        path.write_text(config.to_toml(), encoding="utf-8")
        return Config.from_toml(path)


@given(settings_tables())
@cases("settings")
def test_hostile_settings_survive_toml_or_are_refused_in_one_sentence(table):
    config = answered(lambda: Config.from_dict(table))
    if config is not None:
        assert _survives_toml(config) == config


@given(st.one_of(VALUES, TRIPLES))
@cases("settings")
def test_what_is_no_table_of_settings_is_refused(value):
    if not isinstance(value, dict):
        assert answered(lambda: Config.from_dict(value)) is None


@given(st.one_of(st.binary(max_size=40), st.text(max_size=40).map(lambda text: text.encode(errors="replace"))))
@cases("settings")
def test_a_hostile_file_of_settings_is_read_or_refused(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "settings.toml"
        path.write_bytes(content)
        answered(lambda: Config.from_toml(path))
