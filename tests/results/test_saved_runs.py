"""Fits saved by earlier versions open, and say what they said when they were saved."""

import json
from pathlib import Path

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.io.archive import read_arrays, write_arrays
from deepcausalmmm_jax.results import migrations
from deepcausalmmm_jax.results.checkpoint import read

SAVED = Path(__file__).parent / "saved"
SCHEMAS = range(migrations.OLDEST, migrations.SCHEMA + 1)
KINDS = ("point", "bootstrap", "posterior", "paper")


QUICK = {(kind, migrations.SCHEMA) for kind in KINDS} | {("point", migrations.OLDEST), ("paper", migrations.OLDEST)}
ALL = [
    pytest.param(kind, schema, marks=() if (kind, schema) in QUICK else pytest.mark.slow, id=f"{kind}-{schema}")
    for kind in KINDS
    for schema in SCHEMAS
]


@pytest.mark.parametrize(("kind", "schema"), ALL)
def test_a_run_of_any_schema_opens_with_the_answers_it_had(schema, kind):
    folder = SAVED / f"schema_{schema}"
    told = json.loads((folder / "answers.json").read_text())[kind]
    result = dcm.load(folder / f"{kind}.npz")
    assert isinstance(result, dcm.Ensemble) == (kind in ("bootstrap", "posterior"))
    found = result.contributions.sum(["region", "time"]).to_series()
    assert {str(name): value for name, value in found.items()} == pytest.approx(told["contributions"], rel=1e-4)
    assert float(result.predict().sum()) == pytest.approx(told["prediction"], rel=1e-4)
    assert result.media_summary()["roi"].to_dict() == pytest.approx(told["roi"], rel=1e-3)
    assert result.holdout == told["holdout"]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_run_of_the_schema_in_its_folder(schema):
    for path in (SAVED / f"schema_{schema}").glob("*.npz"):
        assert json.loads(str(read_arrays(path)["manifest"]))["schema"] == schema


@pytest.mark.parametrize("kind", KINDS)
def test_an_old_run_saved_again_is_a_run_of_the_present_schema(kind, tmp_path):
    again = dcm.load(SAVED / f"schema_{migrations.OLDEST}" / f"{kind}.npz").save(tmp_path / "again.npz")
    assert json.loads(str(read_arrays(again)["manifest"]))["schema"] == migrations.SCHEMA
    before, after = (read(path)[0] for path in (SAVED / f"schema_{migrations.OLDEST}" / f"{kind}.npz", again))
    assert after.config == before.config
    assert after.panel.trailing_zeros == before.panel.trailing_zeros


@pytest.mark.parametrize(
    ("schema", "message"),
    [(migrations.OLDEST - 1, "fit the panel again"), (migrations.SCHEMA + 1, "upgrade to read it")],
)
def test_a_schema_that_cannot_be_read_is_refused_in_one_sentence(schema, message, tmp_path):
    arrays = read_arrays(SAVED / f"schema_{migrations.OLDEST}" / "point.npz")
    manifest = json.loads(str(arrays["manifest"])) | {"schema": schema}
    path = write_arrays(tmp_path / "other.npz", arrays | {"manifest": json.dumps(manifest)})
    with pytest.raises(dcm.OutputError, match=message):
        dcm.load(path)


def test_pairs_of_the_season_of_an_old_run_stay_alike():
    _, manifest = migrations.migrated({}, {"schema": 13, "config": {"harmonics": 4}})
    assert manifest["config"] == {"harmonics": 4, "harmonic_decay": 0.0}


def test_peaks_of_the_season_of_an_old_run_keep_the_scale_that_they_shared():
    arrays = {"variables/params/sizes/seasonality": np.array(0.7), "variables/params/sizes/trend": np.array(0.2)}
    config = {"penalties": {"seasonality": 0.04, "seasonality_region": 0.01}}
    arrays, manifest = migrations.migrated(arrays, {"schema": 14, "config": config})
    assert arrays["variables/params/sizes/season_peaks"] == 0.7
    assert manifest["config"]["penalties"] == config["penalties"] | {"season_peaks": 0.04, "season_peaks_region": 0.01}


def test_peaks_of_the_season_of_an_old_run_keep_the_spread_that_its_draws_were_made_with():
    """With the default's, coordinates of a saved draw would stand for other scales than those it was drawn with."""
    _, manifest = migrations.migrated({}, {"schema": 15, "config": {"posterior": {"size_spread": 0.5}}})
    assert manifest["config"]["posterior"] == {"size_spread": 0.5, "peaks_spread": 0.5}
    assert dcm.load(SAVED / "schema_15" / "posterior.npz").config.posterior.peaks_spread == 0.7
    assert dcm.load(SAVED / "schema_16" / "posterior.npz").config.posterior == dcm.PosteriorSettings(draws=40)


def test_a_migration_leaves_what_it_was_given():
    arrays = read_arrays(SAVED / f"schema_{migrations.OLDEST}" / "point.npz")
    manifest = json.loads(str(arrays["manifest"]))
    before = json.dumps(manifest)
    migrations.migrated(arrays, manifest)
    assert json.dumps(manifest) == before
