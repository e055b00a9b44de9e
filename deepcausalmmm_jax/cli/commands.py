"""The commands by name, and where each is: a command is imported when it runs, so that help takes no time."""

from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.errors import DataError


class Command(NamedTuple):
    """Where a command is, and what the list of commands says of it."""

    module: str  # in this folder
    function: str
    says: str  # the first sentence of its docstring
    example: str | None = None


_FIT_EXAMPLE = """A complete example:

\b
  deepcausalmmm-jax simulate --out example
  deepcausalmmm-jax fit example/panel.csv --region region --time time --kpi sales \\
      --media 'channel_?' --spend 'channel_?_spend' --controls 'control_*' \\
      --revenue-per-kpi revenue_per_kpi --holdout 8 --out example/run
"""

_CHECK_EXAMPLE = """Exit code: 0 where nothing needs fixing, 1 where a check failed, 2 for bad input.

\b
  deepcausalmmm-jax check example/panel.csv
  deepcausalmmm-jax check example/run
"""
COMMANDS = {
    "demo": Command(
        "demo", "demo_command", "Simulate a panel with known effects, fit it, and compare the estimates with the truth."
    ),
    "check": Command(
        "check",
        "check_command",
        "Check a data file before it is fitted, or the health of a saved run; the exit code is 1 where a check failed.",
        _CHECK_EXAMPLE,
    ),
    "fit": Command(
        "fit",
        "fit_command",
        "Fit your own CSV, Excel or Parquet file; writes contributions, summary, accuracy, report and the fit itself.",
        _FIT_EXAMPLE,
    ),
    "fit-kpis": Command(
        "fit_kpis",
        "fit_kpis_command",
        "Fit several KPIs of the same media, with curves that are shared as far as the data say so.",
    ),
    "bootstrap": Command(
        "bootstrap",
        "bootstrap_command",
        "Refit to resampled panels; writes the figures of every channel with intervals.",
    ),
    "refute": Command(
        "refute",
        "refute_command",
        "Try to break a fit's estimate: refits to changed panels, and how strong a hidden cause would have to be.",
    ),
    "update": Command(
        "update",
        "update_command",
        "Bring a run up to date with new weeks, from its last estimate; says what moved and why.",
    ),
    "reproduce": Command(
        "update",
        "reproduce_command",
        "Fit a saved run again from its own panel, settings and seed; exit code 0 if it is the same, 1 if it differs.",
    ),
    "curves": Command(
        "curves",
        "curves_command",
        "Write the outcome of each channel at other levels of its spend, with ROI and marginal ROI.",
    ),
    "optimize": Command(
        "planning", "optimize_command", "Split a budget to maximise the outcome, and write the plan beside today's."
    ),
    "scenario": Command("planning", "scenario_command", "Predict the KPI with some exposure or controls changed."),
    "plan-experiments": Command(
        "experiments",
        "plan_experiments_command",
        "Say which test to run next: what it would add to the budget plan, and what it costs.",
    ),
    "report": Command(
        "report", "report_command", "Write the report of a saved fit, or of a bootstrap, whose report has intervals."
    ),
    "simulate": Command("simulate", "simulate_command", "Write a simulated panel and its true effects as CSV files."),
    "benchmark": Command(
        "benchmark",
        "benchmark_command",
        "Measure fits, refits, how they scale with the panel, memory, and the limits of the machine.",
    ),
}


def _refuse_impossible(path: Path) -> None:
    """Refuse a path that no file or folder can have.

    Raises:
        DataError: it is too long, or goes round in a circle.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # what is wrong with it, if it should be there, the command says
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it has a character that none can have"
        raise DataError(f"There can be no file or folder {shown(str(path))}: {reason}.") from None


class OneCommand(TyperCommand):
    """A command that names everything that is missing, where more than one thing is, and keeps compiled programs."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command, with its compiled programs on disk for the next one; its help does not get here."""
        from deepcausalmmm_jax.io.program_cache import keep_programs  # with JAX

        for path in (value for value in ctx.params.values() if isinstance(value, Path)):
            _refuse_impossible(path)
        keep_programs()
        return super().invoke(ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line; errors as of click."""
        given = list(args)  # that of the caller is consumed
        try:
            rest: list[str] = super().parse_args(ctx, args)
        except typer.BadParameter as first:
            values, _, _ = self.make_parser(ctx).parse_args(given)
            missing = [part for part in self.get_params(ctx) if part.required and not values.get(str(part.name))]
            if type(first) is typer.BadParameter or len(missing) < 2:  # a missing parameter is a class of its own
                raise
        else:
            return rest
        names = [f"'{part.opts[0]}'" if part.opts[0].startswith("-") else str(part.metavar) for part in missing]
        return ctx.fail(f"Missing {', '.join(names[:-1])} and {names[-1]}.")  # which raises


class Commands(TyperGroup):
    """The group of all commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names, in the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, imported; None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        place = COMMANDS[cmd_name]
        function = getattr(import_module(f"deepcausalmmm_jax.cli.{place.module}"), place.function)
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        single.command(cmd_name, cls=OneCommand, epilog=place.example)(function)
        return get_command(single)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.says) for name, command in COMMANDS.items()])
