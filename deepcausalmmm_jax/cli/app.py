"""The command line: fits, checks, plans, reports, benchmarks; only this folder prints."""

import sys
import warnings
from typing import Annotated

import typer

from deepcausalmmm_jax.cli.collector import collect_seldom
from deepcausalmmm_jax.cli.commands import Commands
from deepcausalmmm_jax.cli.output import Stopped, end_at_once, finish, prepare_streams, say, say_aside
from deepcausalmmm_jax.errors import DeepCausalMMMError
from deepcausalmmm_jax.io.versions import version_of
from deepcausalmmm_jax.progress import log_to_stderr

BAD_INPUT = 2

app = typer.Typer(
    cls=Commands,
    help="Marketing mix modelling: the contribution of each channel, and held-out accuracy next to naive forecasts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line; bad input gives one sentence on standard error and exit code 2."""
    collect_seldom()
    prepare_streams()
    warnings.formatwarning = lambda message, *_, **__: f"Note: {message}\n"  # without the line of source code
    if "--quiet" not in sys.argv:
        log_to_stderr()
    try:
        try:
            app()
        finally:
            finish()
    except Stopped as stop:
        end_at_once(stop)
    except DeepCausalMMMError as error:
        say_aside(f"deepcausalmmm-jax: {error}")
        sys.exit(BAD_INPUT)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"deepcausalmmm-jax {version_of('deepcausalmmm_jax')}")
        raise typer.Exit


@app.callback()
def before_a_command(
    shows_version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Options before the name of a command; what every command does first is in `OneCommand`."""
