"""The list of commands is made without importing them, and says what they say."""

import subprocess
import sys

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from deepcausalmmm_jax.cli.app import app
from deepcausalmmm_jax.cli.commands import COMMANDS

GROUP = get_command(app)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_in_the_list_what_its_own_help_says_first(name):
    command = GROUP.get_command(typer.Context(GROUP), name)
    assert " ".join(command.help.split("\n\n")[0].split()).startswith(COMMANDS[name].says)
    assert command.name == name


def test_help_lists_every_command():
    shown = CliRunner().invoke(app, ["--help"]).output
    for name in COMMANDS:
        assert f"  {name} " in shown


def test_an_unknown_command_is_named():
    ran = CliRunner().invoke(app, ["fitt"])
    assert ran.exit_code == 2
    assert "No such command 'fitt'" in ran.output


def test_the_version_is_shown():
    assert CliRunner().invoke(app, ["--version"]).output.startswith("deepcausalmmm-jax 0.")


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["fit"], "Missing FILE and '--out'."),
        (["scenario"], "Missing RUN and '--out'."),
        (["scenario", "run", "--change", "tv*1.2"], "Missing option '--out'"),
    ],
)
def test_everything_that_is_missing_is_named_at_once(arguments, missing):
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 2
    assert missing in ran.output


def test_the_help_of_no_command_waits_for_jax_or_scipy():
    script = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from deepcausalmmm_jax.cli.app import app\n"
        "from deepcausalmmm_jax.cli.commands import COMMANDS\n"
        "for name in COMMANDS:\n"
        "    assert CliRunner().invoke(app, [name, '--help']).exit_code == 0, name\n"
        "    assert not {'jax', 'scipy', 'plotly'} & set(sys.modules), name\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
