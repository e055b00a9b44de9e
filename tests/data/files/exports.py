"""An export of forty weeks, its numbers without decimals, and its reading with the warnings in one text."""

import warnings

import deepcausalmmm_jax as dcm

WEEKS = 40


def read(table, tmp_path, csv=None, **options):
    path = tmp_path / "file.csv"
    table.to_csv(path, index=False, **(csv or {}))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        panel = dcm.read_panel(path, **options)
    return panel, " ".join(str(one.message) for one in caught)


def whole(plain):
    counted = [name for name in plain if name != "week"]
    return plain.assign(**{name: plain[name].round().astype(int) for name in counted})
