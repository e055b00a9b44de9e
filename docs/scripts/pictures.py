"""Pictures of the pages and of the README: `make pictures`, or with names for some of them.

All but the drawings of the model come from one simulated panel, so that the pages show one story. Figures become SVG,
the report and tables become PNG, in a headless Chromium, which must be installed.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import plotly.graph_objects as go
from badges import badges_drawing
from browser import Browser
from model_drawings import (
    adstock_drawing,
    flow_drawing,
    frequency_drawing,
    hill_drawing,
    link_drawing,
    saturation_drawing,
    split_drawing,
)
from story import Story

import deepcausalmmm_jax as dcm

ASSETS = Path(__file__).resolve().parents[1] / "assets"
MOST_BYTES = 150_000
WIDTH, HEIGHT = 860, 400  # of a figure, pixels
_PAGE = (
    '<!doctype html><meta charset="utf-8"><style>body {{ font: 14px/1.45 system-ui, sans-serif; color: #1f2933;'
    " margin: 12px 20px; }} table {{ border-collapse: collapse; }} td, th {{ padding: .25em .8em; text-align: right;"
    " border-bottom: 1px solid #d9dee4; }} h3 {{ margin: .2em 0; }}</style>{body}"
)

FIGURES: dict[str, Callable[[Story], go.Figure]] = {
    "panel": lambda story: dcm.plots.panel_exposure(story.panel),
    "calendars": lambda _: dcm.plots.panel_kpi(dcm.simulate(2, 208, 2, 1, seed=5, cadence="monthly")[0]),
    "spend": lambda story: dcm.plots.panel_spend(story.panel),
    "contributions": lambda story: story.result.plot("contribution_over_time"),
    "roi": lambda story: story.result.plot("channel_returns"),
    "draws": lambda story: story.result.plot("distributions", column="roi"),
    "forecasts": lambda story: dcm.plots.cross_validation(dcm.cross_validate(story.panel, dcm.Config(), folds=3)),
    "update": lambda story: dcm.plots.run_changes(dcm.compare_runs(story.update.previous, story.update.result)),
    "refuted": lambda story: dcm.plots.refutation(
        dcm.refute(story.without_draws, tests=("placebo", "future", "common_cause", "noise"), progress=False).table
    ),
    "health": lambda story: dcm.health(story.result).plot(),
    "prior": lambda story: _before_and_after(story.result, story.with_prior, story.least_sure, "the stated prior"),
    "lift_test": lambda story: _before_and_after(story.result, story.with_test, story.least_sure, "the lift test"),
    "graph": lambda story: story.result.plot("graph_network"),
    "curves": lambda story: dcm.response_curves(story.result).plot(),
    "plan": lambda story: story.plan.plot(),
    "roles": lambda story: dcm.plots.contribution_waterfall(story.credited),
    "next_test": lambda story: dcm.plan_experiments(story.result, weeks=(4, 8), changes=(-1.0, 0.5)).plot(),
}
PAGES: dict[str, tuple[Callable[[Story, Path], Path | str], int, int]] = {  # and width and height, pixels
    "report": (lambda story, folder: story.result.report(folder / "report.html", currency="EUR"), 1160, 905),
    "data_checks": (lambda story, _: _shown(story.panel.diagnose()), 1000, 420),
    "notebook": (lambda story, _: _shown(story.result), 820, 480),
    "panel_table": (lambda story, _: _shown(story.panel), 1000, 370),
}
DRAWINGS: dict[str, Callable[[], str]] = {
    "model_flow": flow_drawing,
    "model_adstock": adstock_drawing,
    "model_hill": hill_drawing,
    "model_saturation": saturation_drawing,
    "model_frequency": frequency_drawing,
    "model_split": split_drawing,
    "model_link": link_drawing,
    "badges": badges_drawing,
}


def main(wanted: list[str]) -> None:
    """Draw the pictures named, or all of them."""
    known = [*FIGURES, *PAGES, *DRAWINGS]
    if unknown := set(wanted) - set(known):
        raise SystemExit(f"There is no picture {', '.join(sorted(unknown))}; there are {', '.join(known)}.")
    ASSETS.mkdir(exist_ok=True)
    dcm.keep_programs()
    story = Story()
    with tempfile.TemporaryDirectory() as place, Browser() as browser:
        for name in wanted or known:
            if name in DRAWINGS:
                _keep(f"{name}.svg", DRAWINGS[name]().encode())
            elif name in FIGURES:
                figure = FIGURES[name](story)
                _keep(f"{name}.svg", browser.svg(figure, WIDTH, figure.layout.height or HEIGHT).encode())
            else:
                page, width, height = PAGES[name]
                _keep(f"{name}.png", browser.png(page(story, Path(place)), width, height))


def _before_and_after(before: dcm.Ensemble, after: dcm.Ensemble, channel: str, what: str) -> go.Figure:
    """Draws of a channel's ROI without and with something that the fit was told."""
    figure = go.Figure()
    for result, name, color in ((before, f"without {what}", "#9aa5b1"), (after, f"with {what}", "#0072B2")):
        figure.add_violin(
            x=result.draws("roi")[channel], name=name, orientation="h", side="positive", points=False, line_color=color
        )
    figure.update_layout(
        template="plotly_white",
        title=f"ROI of {channel}: 300 draws without and with {what}",
        xaxis_title="ROI",
        height=320,
        showlegend=False,
        violingap=0,
        margin={"l": 190, "r": 24, "t": 56, "b": 56},
        font={"family": "system-ui, sans-serif", "size": 13, "color": "#1f2933"},
    )
    return figure.update_yaxes(range=[-0.3, 2.0])


def _shown(thing: dcm.Panel | dcm.FitResult | dcm.Diagnosis) -> str:
    """What a notebook shows of it, as a page."""
    return _PAGE.format(body=thing._repr_html_())


def _keep(name: str, content: bytes) -> None:
    if len(content) > MOST_BYTES:
        raise SystemExit(f"{name} has {len(content):,} bytes, more than {MOST_BYTES:,}; draw less.")
    (ASSETS / name).write_bytes(content)
    print(f"{name}: {len(content):,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
