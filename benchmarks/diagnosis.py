"""How often `Panel.diagnose` raises a false alarm on clean panels, and how often it sees a planted fault.

    python benchmarks/diagnosis.py [--first-seed 0] [--panels 30] [--out benchmarks/results/diagnosis.json]

Thresholds were chosen on seeds below 1000; run once with `--first-seed 2000` to confirm them.
"""

import argparse
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.diagnosis.findings import Check

REGIONS = (1, 4, 20)
Fault = Callable[[dcm.Panel, np.random.Generator], dcm.Panel]


def _exposure(panel: dcm.Panel, m: int, values: np.ndarray) -> dcm.Panel:
    exposure = panel.exposure.copy()
    exposure[:, :, m] = values
    return dataclasses.replace(panel, exposure=exposure)


def _kpi(panel: dcm.Panel, kpi: np.ndarray) -> dcm.Panel:
    return dataclasses.replace(panel, kpi=kpi)


def _without_rows(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    """Three weeks of one region have no row."""
    gone = np.zeros(panel.present.shape, bool)
    gone[rng.integers(len(panel.regions)), 30:33] = True
    return dataclasses.replace(
        panel,
        present=panel.present & ~gone,
        weights=np.where(gone, 0.0, panel.weights),
        kpi=np.where(gone, 0.0, panel.kpi),
        exposure=np.where(gone[:, :, None], 0.0, panel.exposure),
    )


def _without_kpi(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    """Six weeks in a row without a KPI."""
    gone = np.zeros(panel.present.shape, bool)
    gone[:, 50:56] = True
    return dataclasses.replace(panel, weights=np.where(gone, 0.0, panel.weights))


def _zeros(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    kpi = panel.kpi.copy()
    kpi[:, -2:] = 0.0
    return _kpi(panel, kpi)


def _turned(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    kpi = panel.kpi.copy()
    kpi[:, 40] *= -1.0
    return _kpi(panel, kpi)


def _counts(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    return _kpi(panel, rng.poisson(2.0 * panel.kpi / panel.kpi.mean(axis=1, keepdims=True)).astype(float))


def _decimal(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    kpi = panel.kpi.copy()
    kpi[rng.integers(len(panel.regions)), 40] *= 100.0
    return _kpi(panel, kpi)


def _holiday(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    kpi = panel.kpi.copy()
    kpi[:, [20, 72]] *= 1.8
    return _kpi(panel, kpi)


def _carried(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    """One region's KPI is carried forward over three weeks."""
    kpi = panel.kpi.copy()
    kpi[0, 41:44] = kpi[0, 40]
    return _kpi(panel, kpi)


def _doubled(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    kpi = panel.kpi.copy()
    kpi[:, 41], kpi[:, 40] = 0.95 * kpi[:, 40] + kpi[:, 41], 0.05 * kpi[:, 40]
    return _kpi(panel, kpi)


def _divided(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    """A region is cut into three by fixed shares."""
    shares, rows = np.array([0.5, 0.3, 0.2]), [*range(len(panel.regions) - 1), *[-1] * 3]
    cut = np.ones(len(rows))
    cut[-3:] = shares
    values = {name: getattr(panel, name) for name in ("weights", "present", "control", "revenue_per_kpi", "population")}
    parts = {name: array[rows] for name, array in values.items() if array is not None}
    parts |= {name: getattr(panel, name)[rows] * cut[:, None, None] for name in ("exposure", "spend")}
    labels = pd.Index([*panel.regions[:-1], "east", "west", "middle"])
    return dataclasses.replace(panel, regions=labels, kpi=panel.kpi[rows] * cut[:, None], **parts)


def _units(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    """Exposure in thousands from the middle on."""
    values = panel.exposure[:, :, 1].copy()
    values[:, 60:] /= 1000.0
    return _exposure(panel, 1, values)


def _price(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    """Prices 80% higher from the middle on."""
    spend = panel.spend.copy()
    spend[:, 60:, 1] *= 1.8
    return dataclasses.replace(panel, spend=spend)


def _typing(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    control = panel.control.copy()
    control[0, 33, 0] = 1000.0
    return dataclasses.replace(panel, control=control)


def _always_on(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    mean = panel.exposure[:, :, 2].mean(axis=1, keepdims=True)
    return _exposure(panel, 2, mean * (1.0 + 0.04 * rng.standard_normal(panel.kpi.shape)))


def _seldom(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    values = panel.exposure[:, :, 2].copy()
    values[:, 6:] = 0.0
    return _exposure(panel, 2, values + (np.arange(values.shape[1]) == 3))


def _constant(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    return _exposure(panel, 2, np.full(panel.kpi.shape, 5.0))


def _copy(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    return _exposure(panel, 2, 3.0 * panel.exposure[:, :, 1] * (1.0 + 0.02 * rng.standard_normal(panel.kpi.shape)))


def _bundle(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    """A channel that is bought with three others."""
    size = panel.exposure.std(axis=1, keepdims=True)
    others = (panel.exposure / np.where(size > 0, size, 1.0))[:, :, [1, 3, 4]].sum(axis=2)
    return _exposure(panel, 2, np.maximum(0.0, 100 * (others + 0.35 * rng.standard_normal(others.shape))))


def _reached(often: np.ndarray | float, panel: dcm.Panel) -> dcm.Panel:
    """The second channel with contacts that came at this frequency."""
    frequency = np.full(panel.exposure.shape, np.nan)
    frequency[:, :, 1] = np.where(panel.exposure[:, :, 1] > 0, often, 0.0)
    return dataclasses.replace(panel, frequency=frequency)


def _narrow(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    return _reached(rng.uniform(2.6, 3.4, panel.kpi.shape), panel)


def _monthly(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    return _reached(4.3 * np.exp(rng.normal(np.log(4.0), 0.4, panel.kpi.shape)), panel)


def _target_group(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    """The same reach every week; the frequency takes up all that varies."""
    return _reached(np.maximum(2.0 * panel.exposure[:, :, 1] / panel.exposure[:, :, 1].mean(), 1e-9), panel)


def _no_exposure(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    values = panel.exposure[:, :, 1].copy()
    values[:, 20:28] = 0.0
    return _exposure(panel, 1, values)


def _mediator(panel: dcm.Panel, rng: np.random.Generator) -> dcm.Panel:
    """A control that builds up with the exposure of one channel, as brand awareness does."""
    size = panel.exposure.mean(axis=1, keepdims=True)
    drive = (panel.exposure / np.where(size > 0, size, 1.0))[:, :, 1]
    level = np.zeros(panel.kpi.shape)
    for week in range(1, level.shape[1]):
        level[:, week] = 0.8 * level[:, week - 1] + 0.3 * drive[:, week - 1]
    noise = rng.standard_normal(level.shape)
    control = panel.control.copy()
    control[:, :, 0] = level + 0.3 * level.std() * noise
    return dataclasses.replace(panel, control=control)


FAULTS: dict[str, tuple[Fault, Check]] = {
    "three weeks without a row": (_without_rows, Check.GAPS),
    "six weeks without a KPI": (_without_kpi, Check.MISSING_KPI),
    "two zeros at the end": (_zeros, Check.ZEROS_AT_END),
    "a week of the wrong sign": (_turned, Check.KPI_LEVEL),
    "counts of two a week": (_counts, Check.COUNTED_KPI),
    "a decimal point off by two": (_decimal, Check.KPI_OUTLIERS),
    "two weeks at 1.8 times": (_holiday, Check.KPI_OUTLIERS),
    "three weeks carried forward": (_carried, Check.REPEATED_KPI),
    "a week booked in the next": (_doubled, Check.DOUBLED_KPI),
    "a region cut into three": (_divided, Check.SAME_REGIONS),
    "exposure in thousands": (_units, Check.PRICE_JUMP),
    "prices 80% higher": (_price, Check.PRICE_JUMP),
    "a control's cell at 1000": (_typing, Check.OUTLIERS),
    "a channel that varies by 4%": (_always_on, Check.VARIATION),
    "a channel on air for six weeks": (_seldom, Check.VARIATION),
    "a constant channel": (_constant, Check.CONSTANT),
    "a near-copy": (_copy, Check.COPIES),
    "a bundle of channels": (_bundle, Check.COLLINEARITY),
    "a frequency between 2.6 and 3.4": (_narrow, Check.FREQUENCY),
    "contacts of a month per week": (_monthly, Check.FREQUENCY),
    "the same reach every week": (_target_group, Check.FREQUENCY),
    "eight weeks of spend without exposure": (_no_exposure, Check.SPEND_MATCH),
    "a mediator among the controls": (_mediator, Check.MEDIATOR),
}


def false_alarms(first_seed: int, panels: int) -> pd.DataFrame:
    """Share of clean panels by check and number of regions with the grades `look` and `fail`."""
    rows = []
    for regions in REGIONS:
        for seed in range(first_seed, first_seed + panels):
            diagnosis = dcm.simulate(regions, 120, 5, 3, seed=seed)[0].diagnose()
            rows += [{"regions": regions, "check": row.check.value, "grade": row.grade.value} for row in diagnosis.rows]
    table = pd.DataFrame(rows)
    whole = table.assign(one=1).pivot_table(index="check", columns=["grade", "regions"], values="one", aggfunc="sum")
    return (whole.fillna(0.0) / panels).reindex([check.value for check in Check])


def detections(first_seed: int, panels: int) -> pd.DataFrame:
    """Share of panels with a planted fault in which its check says so, by number of regions."""
    rows: dict[str, dict[int, float]] = {}
    for fault, (plant, check) in FAULTS.items():
        rows[fault] = {}
        for regions in REGIONS:
            seen = 0
            for seed in range(first_seed, first_seed + panels):
                panel = plant(dcm.simulate(regions, 120, 5, 3, seed=seed)[0], np.random.default_rng(seed))
                seen += any(row.check is check for row in panel.diagnose().findings)
            rows[fault][regions] = seen / panels
    for kind in ("follows_sales", "always_on", "bursts", "collinear"):
        check = {"follows_sales": Check.FOLLOWS_KPI, "collinear": Check.COLLINEARITY}.get(kind, Check.VARIATION)
        rows[f"simulated kind {kind}"] = {
            regions: sum(
                any(
                    row.check is check
                    for row in dcm.simulate(regions, 120, 5, 3, seed=seed, kind=kind)[0].diagnose().findings
                )
                for seed in range(first_seed, first_seed + panels)
            )
            / panels
            for regions in REGIONS
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("fault")


def main() -> None:
    """Print both tables, and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--panels", type=int, default=30)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    alarms, seen = false_alarms(asked.first_seed, asked.panels), detections(asked.first_seed, min(10, asked.panels))
    print(alarms.to_string(float_format="{:.3f}".format), seen.to_string(float_format="{:.2f}".format), sep="\n\n")
    if asked.out:
        flat = {f"{grade}, {regions} regions": column.to_dict() for (grade, regions), column in alarms.items()}
        asked.out.write_text(json.dumps({"false alarms": flat, "detections": seen.to_dict(orient="index")}, indent=1))


if __name__ == "__main__":
    main()
