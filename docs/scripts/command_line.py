"""A MkDocs hook: the page on the command line is written from the commands themselves at every build."""

from textwrap import dedent
from typing import Any

import typer
from typer.main import get_command

from deepcausalmmm_jax.cli.app import app

MARK = "<!-- commands -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the commands in place of the mark; pages without it stay as they are."""
    return markdown.replace(MARK, commands()) if MARK in markdown else markdown


def commands() -> str:
    """Every command with its arguments and options, as Markdown."""
    group = get_command(app)
    context = typer.Context(group, info_name="deepcausalmmm-jax")
    return "\n".join(_section(name, group.get_command(context, name)) for name in group.list_commands(context))


def _section(name: str, command: Any) -> str:
    rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
    table = "\n".join(["| argument or option | default | meaning |", "|---|---|---|", *rows])
    return f"## {name}\n\n{command.help}\n\n{table}\n{_example(command.epilog)}\n"


def _example(epilog: str | None) -> str:
    """The text under a command's help; the lines that it keeps as they are, after a mark of click's, are code."""
    text, _, code = (epilog or "").partition("\b\n")
    return f"\n{text}\n```sh\n{dedent(code).rstrip()}\n```\n" if code else text


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = f"`{parameter.metavar or parameter.name.upper()}`"
    else:
        name = ", ".join(f"`{option}`" for option in parameter.opts)
    if parameter.required:
        default = "required"
    elif parameter.default is None or parameter.default is False:
        default = ""
    else:
        default = f"`{parameter.default}`"
    meaning = (parameter.help or "").replace("|", r"\|").replace("*", r"\*")
    return f"| {name} | {default} | {meaning} |"
