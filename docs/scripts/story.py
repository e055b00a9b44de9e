"""The simulated panel behind the pictures of the pages, and what follows from it; each computed when asked for."""

import dataclasses
from functools import cached_property

import pandas as pd

import deepcausalmmm_jax as dcm

CHANNELS = ("tv", "search", "social", "video")
CONTROLS = ("price", "promotion")
REGIONS = ("North", "East", "South", "West")
_SEED = 11


class Story:
    """One panel with plain names: its fit, its plan, its tests."""

    @cached_property
    def _simulated(self) -> tuple[dcm.Panel, dcm.Truth]:
        return dcm.simulate(len(REGIONS), 104, len(CHANNELS), len(CONTROLS), seed=_SEED)

    @cached_property
    def panel(self) -> dcm.Panel:
        """The data."""
        simulated = self._simulated[0]
        names = dict(zip(simulated.channels, CHANNELS, strict=True))
        table = simulated.to_dataframe().rename(
            columns=names
            | {f"{old}_spend": f"{new}_spend" for old, new in names.items()}
            | dict(zip(simulated.controls, CONTROLS, strict=True))
        )
        table["price"] = 10.0 + 0.4 * table["price"]
        table["promotion"] = 0.25 + 0.06 * table["promotion"]
        table["region"] = table["region"].map(dict(zip(simulated.regions, REGIONS, strict=True)))
        return dcm.Panel.from_dataframe(
            table,
            region="region",
            time="time",
            kpi="sales",
            media=list(CHANNELS),
            spend="*_spend",
            controls=list(CONTROLS),
            revenue_per_kpi="revenue_per_kpi",
        )

    @cached_property
    def result(self) -> dcm.Ensemble:
        """The fit; it has draws, since there are few regions."""
        return self._fitted(dcm.Config())

    @cached_property
    def credited(self) -> dcm.FitResult:
        """A fit with price and promotion as treatments, a sales day and the holidays of a country."""
        table = self.panel.to_dataframe()
        table["price"] = 20.0 - table["price"]  # so that a higher price sells less
        days = pd.DataFrame({"name": "sales day", "date": ["2022-11-25", "2023-11-24"]})
        panel = dcm.Panel.from_dataframe(
            table,
            region="region",
            time="time",
            kpi="sales",
            media=list(CHANNELS),
            spend="*_spend",
            treatments={"promotion": "min", "price": "max"},
            events=dcm.holidays(self.panel, "DE", names=["Easter Monday", "Christmas Day"])
            + dcm.Events.from_table(days, until="2026-12-31"),
        )
        return dcm.fit(panel, dcm.Config(posterior=dcm.PosteriorSettings(method="none")), progress=False)

    @cached_property
    def without_draws(self) -> dcm.FitResult:
        """The fit as training ends; what is tried on it needs no draws for every refit."""
        return dcm.fit(self.panel, dcm.Config(posterior=dcm.PosteriorSettings(method="none")), progress=False)

    @cached_property
    def plan(self) -> dcm.BudgetPlan:
        """The coming quarter's budget, reallocated."""
        return dcm.optimize_budget(self.result, next_weeks=13)

    @cached_property
    def with_prior(self) -> dcm.Ensemble:
        """The fit with what is known of the ROI of one channel."""
        return self._fitted(dcm.Config(priors=dcm.Priors(roi={self.least_sure: (1.0, 0.2)})))

    @cached_property
    def with_test(self) -> dcm.Ensemble:
        """The fit with a lift test on one channel, whose outcome is the true one."""
        return self._fitted(dcm.Config(experiments=(self._measured(self.least_sure),)))

    @cached_property
    def least_sure(self) -> str:
        """The channel whose ROI has the widest interval for its size."""
        table = self.result.media_summary()
        return str(((table["roi_high"] - table["roi_low"]) / table["roi"]).idxmax())

    @cached_property
    def update(self) -> dcm.Update:
        """A run of the first weeks, brought up to date."""
        before = dcm.fit(self.panel.select(weeks=slice(0, 96)), progress=False)
        return dcm.update(before, self.panel)

    def _fitted(self, config: dcm.Config) -> dcm.Ensemble:
        fitted = dcm.fit(self.panel, config, progress=False)
        assert isinstance(fitted, dcm.Ensemble)
        return fitted

    def _measured(self, channel: str) -> dcm.LiftTest:
        """A test of eight weeks in two regions, with the true lift and an error of 15%."""
        panel, truth = self._simulated
        weeks = [str(week.date()) for week in panel.weeks]
        asked = dcm.LiftTest(
            panel.channels[CHANNELS.index(channel)],
            start=weeks[70],
            end=weeks[77],
            lift=1.0,
            standard_error=1.0,
            regions=tuple(panel.regions[:2]),
        )
        lift = truth.lift(asked, panel)
        return dataclasses.replace(
            asked, channel=channel, lift=lift, standard_error=0.15 * abs(lift), regions=REGIONS[:2]
        )
