"""Retired words stay retired: in names of the package, on the command line, in docstrings of public names and in the docs.

The field has a word for each of these; docs/glossary.md lists it.
"""

import ast
import inspect
import re
from functools import cached_property
from pathlib import Path

import pytest
import typer
from typer.main import get_command

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.app import app
from tests.test_public_api import PUBLIC

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "deepcausalmmm_jax"
FILES = sorted(PACKAGE.rglob("*.py"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

# Whole identifiers whose words have ordinary meanings elsewhere, each with the word to use.
WHOLE = {
    "Present": "ForecastState",
    "present_state": "forecast_state",
    "present_again": "forecast_state",
    "Sizes": "PriorScales",
    "sizes": "scales",
    "all_done": "run_all",
    "work_done": "run_chunk",
}

# Parts of identifiers (`StatedBeliefs`, `stated_beliefs`), each with the word to use.
NAMES = {
    "swing": "AR(1) component",
    "motion": "process noise",
    "tracked": "filtered state",
    "trackers": "filtered state",
    "news": "innovations",
    "tuned": "learned prior scales",
    "volume": "Laplace term",
    "planes": "regions-last layout",
    "lanes": "regions-last layout",
    "crew": "batches",
    "telling": "progress",
    "believed": "stated priors",
    "beliefs": "stated priors",
    "belief": "stated priors",
    "warmed": "warm_start",
    "conclude": "finalise",
    "advance": "run_chunk",
    "brings": "OutcomeModel",
    "bend": "hessian_diag",
    "pull": "linear_term",
    "stiff": "barrier_diag",
    "ease": "weight",
    "nation": "national level",
    "freak": "outlier",
    "freaks": "outliers",
    "chapter": "section",
    "chapters": "sections",
    "answers": "FitResult",
    "unrest": "optimiser noise",
    "takeover": "from_torch",
}

# Phrases of docs and docstrings, as regular expressions, each with a better one.
PHRASES = {
    r"hangs? on": "is attributed to",
    r"\btold (apart )?from\b": "distinguishable from",
    r"\bdear(er)?\b": "penalised more",
    r"witness": "independent observations",
    r"freaks?\b": "outlier",
    r"\bunrest\b": "optimiser noise",
    r"\bnews\b": "innovations",
    r"\bnation('s)?\b": "national level",
    r"\bthe present\b": "forecast state",
    r"\bswing\b": "AR(1) component",
    r"\bcrews?\b": "batches",
    r"\blanes\b|\bplanes\b": "regions-last layout",
    r"\bbeliefs?\b": "stated priors",
    r"takes up where|\bgoes on from there|cut short": "resumes where it stopped",
    r"[Oo]ne's own": "your own",
    r"('s|as media's) doing\b|counted as media": "credited to media",
    r"earns itself back": "break-even (ROI = 1)",
    r"leaves over": "residuals",
    r"hold(s|ing)? (a|the) plan back|limit holds": "a constraint binds",
    r"unit of room|bring of room": "relaxing a limit by one unit",
    r"weighs? as much as": "carry as much information as",
    r"amounts? to [\d.]+ independent": "carry as much information as",
    r"stands? for|stood for": "represents, replaces",
    r"[Hh]ow sure is that|how sure one is|how sure you are": "uncertainty",
    r"hold(s|ing)? (the|it) truth|held the truth|held it in": "covers the truth",
    r"sizes? of (the )?penalt(y|ies)|penalty sizes?": "prior scales",
    r"evidence for the learned one": "gain in log evidence",
    r"anew\b": "again",
    r"\?\.": "?",
}
TYPOGRAPHY = {r"\d\s%": "no space before the per cent sign"}  # of pages


def parts(identifier):
    """`PresentState`, `present_state` -> present, state."""
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)


def identifiers(path):
    """Names of a file and of its classes, functions and fields; a name with a leading underscore counts too."""
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (item.target.id for item in node.body if isinstance(item, ast.AnnAssign))


def retired_in(text, phrases=PHRASES):
    """Retired phrases of a text with the better ones."""
    return [f"{found[0]!r}: {better}" for phrase, better in phrases.items() for found in re.finditer(phrase, text)]


def test_a_retired_word_is_found():
    assert parts("_StatedBeliefs2") == ["Stated", "Beliefs"]
    assert retired_in("what hangs on media, 4 % of it") == ["'hangs on': is attributed to"]
    assert retired_in("4 % of it", TYPOGRAPHY) == ["'4 %': no space before the per cent sign"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_names_of_the_package_are_the_fields(path):
    names = set(identifiers(path))
    found = {name: NAMES[part.lower()] for name in names for part in parts(name) if part.lower() in NAMES}
    assert found | {name: WHOLE[name.strip("_")] for name in names if name.strip("_") in WHOLE} == {}


def _commands():
    group = get_command(app)
    context = typer.Context(group)
    return {name: group.get_command(context, name) for name in group.list_commands(context)}


def test_names_of_commands_and_options_are_the_fields():
    for name, command in _commands().items():
        for said in (name, *(option for parameter in command.params for option in parameter.opts)):
            assert not set(parts(said)) & set(NAMES), f"{name} {said}"


def test_help_of_the_command_line_has_no_retired_phrase():
    for name, command in _commands().items():
        for text in (command.help, *(getattr(parameter, "help", None) for parameter in command.params)):
            assert not retired_in(text or ""), f"{name}: {text}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_have_no_retired_phrase(page):
    assert retired_in(page.read_text(), PHRASES | TYPOGRAPHY) == []


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_of_public_names_have_no_retired_phrase(name):
    thing = getattr(dcm, name)
    members = (
        [value for member, value in vars(thing).items() if not member.startswith("_")] if inspect.isclass(thing) else []
    )
    documented = [value for value in members if callable(value) or isinstance(value, property | cached_property)]
    assert [phrase for value in (thing, *documented) for phrase in retired_in(inspect.getdoc(value) or "")] == []
