"""The report's first page in plain words: what worked, how sure, what to do next, what not to trust."""

from dataclasses import dataclass

import pandas as pd

from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.plots.protocols import Answers, PlanAnswers, RefittedAnswers, has_refits
from deepcausalmmm_jax.plots.theme import compact

_NAMED = 3
_NAMED_NOTES = 8
_FULL = 0.8  # of the ceiling: more exposure adds little
_ROOM = 0.4
_FEWEST_REFITS = 100
_SMALL_GAIN = 0.01
_APART = 0.8  # of the regions: with fewer independent ones the reader should know


@dataclass(frozen=True)
class Words:
    """Sentences under each heading; a tile is a number with a word on it."""

    tiles: list[tuple[str, str]]
    worked: list[str]
    sure: list[str]
    next_steps: list[str]
    doubt: list[str]


def in_words(result: Answers, plan: PlanAnswers | None) -> Words:
    """Put the main findings into sentences."""
    summary, notes = result.media_summary(), result.notes()
    doubt = _doubt(result, notes) + [str(note) for note in (plan.notes if plan is not None else ())]
    return Words(
        tiles=_tiles(result, summary, notes),
        worked=_worked(result, summary),
        sure=_sure(result, notes),
        next_steps=_next_steps(result, summary, notes, plan),
        doubt=doubt,
    )


def _tiles(result: Answers, summary: pd.DataFrame, notes: pd.DataFrame) -> list[tuple[str, str]]:
    first = str(summary["pct_of_contribution"].idxmax())
    tiles = [
        (f"{summary['pct_of_contribution'].sum():.0f} %", f"of the predicted {result.panel.kpi_name} hangs on media"),
        (f"{summary['pct_of_contribution'].max():.1f} %", f"hangs on the largest channel, {first}"),
        (f"{int(notes['distinguishable'].sum())} of {len(notes)}", "channels can be told from no effect"),
    ]
    skill = float(result.metrics["skill"].iloc[-1])
    if result.holdout and pd.notna(skill):
        word = "smaller" if skill > 0 else "larger"
        tiles.append((f"{100 * abs(skill):.0f} %", f"{word} forecast error than the best naive forecast"))
    return tiles


def _worked(result: Answers, summary: pd.DataFrame) -> list[str]:
    ordered = summary.sort_values("pct_of_contribution", ascending=False)
    parts = [_share(str(name), row) for name, row in ordered.head(_NAMED).iterrows()]
    kpi = result.panel.kpi_name
    words = [f"Of the predicted {kpi}, most hangs on {_listed(parts)}."]
    earning = summary[summary["roi"].notna() & (summary["spend"] > 0)].sort_values("roi", ascending=False)
    if len(earning) > 1:
        unit = "ROI" if result.panel.revenue_per_kpi is not None else kpi
        best, worst = earning.iloc[0], earning.iloc[-1]
        words.append(
            f"A unit of spend earned most on {earning.index[0]} ({unit} {best['roi']:.3g}{_range(best, 'roi')}) and "
            f"least on {earning.index[-1]} ({worst['roi']:.3g}{_range(worst, 'roi')})."
        )
    elif not len(earning):
        words.append("No spend was given, so nothing here says what a unit of money earned.")
    return words


def _share(name: str, row: pd.Series) -> str:
    return f"{name} ({row['pct_of_contribution']:.1f} %{_range(row, 'pct_of_contribution')})"


def _range(row: pd.Series, column: str) -> str:
    if f"{column}_low" not in row or pd.isna(row[f"{column}_low"]):
        return ""
    return f"; 90 % interval {row[f'{column}_low']:.3g} to {row[f'{column}_high']:.3g}"


def _of_intervals(result: RefittedAnswers) -> str:
    count = len(result.share_draws())
    if result.from_posterior:
        trusted = bool(result.sampling()["trusted"])
        doubt = "" if trusted else " The draws have not settled: take the intervals as rough, and draw more."
        return f"Intervals are 90 % ones, from {count} draws of everything that the data leave open.{doubt}"
    return (
        f"Intervals are 90 % ones, from {count} refits to draws of the data; on panels of known truth such intervals "
        "held it in 85 to 88 % of the cases, with fewer than eight regions in about 70 %."
    )


def _sure(result: Answers, notes: pd.DataFrame) -> list[str]:
    words = [forecast_verdict(result.metrics)]
    if has_refits(result):
        words.append(_of_intervals(result))
    else:
        words.append(
            "This is a single fit: errors given for shares take each channel's curve as known, so that the true doubt "
            "is larger."
        )
    n_regions, amount = len(result.panel.regions), result.effective_regions
    if amount < _APART * n_regions:
        words.append(
            f"The {n_regions:,} regions move together: they tell as much as {amount:.2g} independent "
            f"region{'s' if f'{amount:.2g}' != '1' else ''} would."
        )
    unclear = [str(name) for name in notes.index[~notes["distinguishable"]]]
    if unclear and len(unclear) < len(notes):
        words.append(f"{_listed(_few(unclear))} cannot be told from no effect.")
    elif unclear:
        words.append("No channel can be told from no effect with certainty.")
    return words


def forecast_verdict(metrics: pd.DataFrame) -> str:
    """The forecast against the best naive one, in a sentence."""
    if "holdout" not in metrics.index:
        return "No weeks were held out, so nothing here says how well the model forecasts."
    row = metrics.loc["holdout"]
    if pd.isna(row["skill"]):
        return "The held-out weeks have no naive forecast to compare with."
    word = "below" if row["skill"] > 0 else "above"
    return (
        f"On the held-out weeks the error is {100 * abs(row['skill']):.0f} % {word} that of the best naive forecast "
        f"({row['naive']}, chosen in hindsight)."
    )


def _next_steps(result: Answers, summary: pd.DataFrame, notes: pd.DataFrame, plan: PlanAnswers | None) -> list[str]:
    words = [] if plan is None else _of_plan(plan, result.panel.kpi_name)
    clear = notes.index[notes["distinguishable"]]
    priced = summary[summary["mroi"].notna() & summary.index.isin(clear)].sort_values("mroi")
    if len(priced) > 1 and plan is None:
        words.append(
            f"The next unit of money earns most on {priced.index[-1]} (marginal return {priced['mroi'].iloc[-1]:.3g}"
            f"{_range(priced.iloc[-1], 'mroi')}) and least on {priced.index[0]} ({priced['mroi'].iloc[0]:.3g}"
            f"{_range(priced.iloc[0], 'mroi')}): move money in small steps and watch."
        )
    reached = result.today()["saturation"]
    full = [str(name) for name in reached.index[(reached > _FULL) & reached.index.isin(clear)]]
    room = [str(name) for name in reached.index[(reached < _ROOM) & reached.index.isin(clear)]]
    if full:
        words.append(f"Little is to be gained from more of {_listed(_few(full))}: already close to the ceiling.")
    if room:
        words.append(
            f"{_listed(_few(room))} {'has' if len(room) == 1 else 'have'} room to grow before returns diminish."
        )
    words.append(_experiment(notes))
    if result.status == FitStatus.EPOCH_LIMIT:
        words.append("The training ended before it had converged; raise max_epochs before acting on small differences.")
    if not has_refits(result):
        words.append("Run bootstrap for intervals before money is moved.")
    return words


def _of_plan(plan: PlanAnswers, kpi: str) -> list[str]:
    table = plan.channels
    change = (table["spend_plan"] - table["spend_today"]).sort_values()
    up, down = change[change > 0].index[::-1][:_NAMED], change[change < 0].index[:_NAMED]
    parts = []
    if len(up):
        parts.append("more for " + _listed([f"{name} (+{compact(float(change[name]))})" for name in up]))
    if len(down):
        parts.append("less for " + _listed([f"{name} (-{compact(float(-change[name]))})" for name in down]))
    weeks = f" ({plan.period})"
    words = [f"The plan{weeks} gives {'; '.join(parts)}." if parts else f"The plan{weeks} leaves the budget as it was."]
    if "incremental_outcome" in plan.summary.index:
        row = plan.summary.loc[["incremental_outcome"]].iloc[0]
        ends = (float(row["change_low"]), float(row["change_high"])) if "change_low" in row else None
        words.append(_gain(float(row["today"]), float(row["plan"]), kpi, ends))
    if pd.notna(plan.chance_better):
        words.append(f"In {100 * plan.chance_better:.0f} % of the draws it is better than today's budget.")
    return words


def _gain(today: float, planned: float, kpi: str, ends: tuple[float, float] | None = None) -> str:
    """What a plan brings beside today's budget; two numbers alike in three digits would say nothing."""
    gain = planned - today
    share = abs(gain / today) if today else float("inf")
    percent = [f"{100 * share:.2g} %"] if share < 10 else []
    if ends is not None:
        percent.append(f"90 % interval {compact(ends[0])} to {compact(ends[1])}")
    more = f"{compact(abs(gain))} {'more' if gain > 0 else 'less'} than today's budget"
    words = f"It should bring {compact(planned)} {kpi}, {more}" + (f" ({'; '.join(percent)})" if percent else "")
    most = max(abs(gain), *(abs(end) for end in ends or (0.0, 0.0)))
    return words + (": little is to be gained by moving money." if most < _SMALL_GAIN * today else ".")


def _experiment(notes: pd.DataFrame) -> str:
    error = notes["share_error"]
    if error.notna().any():
        row = notes.loc[[error.idxmax()]]
        return (
            f"An experiment on {row.index[0]} would teach most: its share of {row['share'].iloc[0]:.1f} % has the "
            f"largest standard error, {error.max():.1f} points."
        )
    return f"An experiment on {notes['share'].idxmax()}, the largest channel, would teach most."


def _doubt(result: Answers, notes: pd.DataFrame) -> list[str]:
    words = [
        "These are estimates from observed data, not from an experiment: what moves with media and is not among the "
        "controls is counted as media's doing."
    ]
    words += result.panel_notes()["note"].tolist()[:_NAMED_NOTES]
    if has_refits(result):
        words += _doubt_of_refits(result)
    said: dict[str, list[str]] = {}
    for channel, text in notes["note"].items():
        for part in [piece for piece in str(text).split("; ") if piece and "distinguishable" not in piece]:
            said.setdefault(part, []).append(str(channel))
    words += [f"{_listed(_few(channels))}: {part}." for part, channels in list(said.items())[:6]]
    priors = result.priors()
    apart = priors[priors["sds_apart"].abs() > 2] if len(priors) else priors
    words += [
        f"The data speak against the stated {row.quantity} of {row.name}." for row in apart.itertuples(index=False)
    ]
    if result.config.model == "paper":
        words.append("The published model's media share is set by its prior, and it cannot see the total of a budget.")
    return words


def _doubt_of_refits(result: RefittedAnswers) -> list[str]:
    words, summary = [], result.media_summary()
    if len(result.share_draws()) < _FEWEST_REFITS:
        words.append(f"{len(result.share_draws())} draws give rough intervals; take {_FEWEST_REFITS} or more.")
    value, low, high = (summary[f"pct_of_contribution{end}"] for end in ("", "_low", "_high"))
    outside = [str(name) for name in summary.index[(value < low) | (value > high)]]
    if outside:
        words.append(
            f"The estimate of {_listed(_few(outside))} lies outside its own interval: the fit had not converged, or "
            "the refits pull it elsewhere. Believe neither before a longer training."
        )
    return words


def _few(names: list[str], most: int = 5) -> list[str]:
    return names if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} more"]


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
