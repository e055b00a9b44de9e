"""Draws the floors of the package from its imports: python docs/scripts/draw_floors.py, which writes docs/floors.svg.

The order of the floors is the one that tests/test_layers.py enforces. Arrows point from a folder to what it imports;
those that follow from others (a imports b, b imports c), those to `errors`, which every floor knows, and the few doors
to a floor above that the test lists are left out. tests/test_docs.py fails when the picture is out of date.
"""

import ast
from html import escape
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "deepcausalmmm_jax"
PICTURE = ROOT / "docs" / "floors.svg"

# Horizontal centre of each box, in pixels, and what the folder is for.
BOXES: dict[str, tuple[int, str]] = {
    "cli": (430, "the commands; the only print"),
    "benchmarking": (750, "how fast this machine fits"),
    "plots": (190, "figures and the report"),
    "trust": (430, "health, refutations"),
    "planning": (190, "curves, budget plans, scenarios"),
    "inference": (750, "fit, bootstrap, cross_validate"),
    "results": (190, "FitResult, Ensemble, load"),
    "attribution": (400, "contributions, ROI, intervals"),
    "posterior": (630, "density, modes, HMC, NUTS"),
    "training": (430, "estimate: one pure function"),
    "parallel": (430, "devices, hosts, batches"),
    "model": (430, "media, graph, baseline, priors"),
    "dag": (880, "learn_dag on any table"),
    "data": (430, "table to Panel; simulate"),
    "io": (190, "files written whole"),
    "config": (430, "settings and stated priors"),
    "ops": (880, "adstock, Hill, GRU, Kalman"),
    "axes": (388, "one name for each axis"),
    "checks": (150, "checks of arguments"),
    "progress": (864, "bar or log lines"),
    "steps": (864, "time left of a few steps"),
    "errors": (430, "known to every floor"),
}
WIDTH, BOX_WIDTH, BOX_HEIGHT, ROW = 1000, 212, 46, 76
STYLE = "font-family:system-ui,sans-serif;text-anchor:middle"


def floors() -> list[list[str]]:
    """Folders by floor, from the ground up, as the test of the layers lists them."""
    for node in ast.parse((ROOT / "tests" / "test_layers.py").read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "FLOORS":
            return [sorted(names) for names in ast.literal_eval(node.value)]
    raise SystemExit("tests/test_layers.py has no list FLOORS.")


def imports() -> nx.DiGraph:
    """An arrow from each folder (or module at the root) to every one on a floor below that it imports."""
    floor = {name: number for number, names in enumerate(floors()) for name in names}
    arrows = nx.DiGraph()
    for path in sorted(PACKAGE.rglob("*.py")):
        own = path.relative_to(PACKAGE).with_suffix("").parts[0]
        if own == "__init__":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(PACKAGE.name):
                continue
            inside = (node.module or "").split(".")[1:]
            for part in inside[:1] or [alias.name for alias in node.names]:
                if part in floor and floor[part] < floor[own]:  # `__version__` is of the package itself
                    arrows.add_edge(own, part)
    return arrows


def picture() -> str:
    """The floors as SVG, the command line on top."""
    rows = floors()[::-1]
    height = ROW * len(rows)
    centre = {name: (BOXES[name][0], ROW * row + ROW // 2) for row, names in enumerate(rows) for name in names}
    arrows = sorted(arrow for arrow in nx.transitive_reduction(imports()).edges if arrow[1] != "errors")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" style="{STYLE}">',
        "<title>Floors of deepcausalmmm_jax: a folder imports only folders below it</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#55606b"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *(_band(row, len(rows)) for row in range(len(rows))),
        *(_arrow(centre[source], centre[target]) for source, target in arrows),
        *(_box(name, *centre[name]) for names in rows for name in names),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _band(row: int, n_rows: int) -> str:
    shade = "#f3f6f8" if row % 2 == 0 else "#ffffff"
    label = f'<text x="22" y="{ROW * row + ROW // 2 + 5}" font-size="14" fill="#8b959e">{n_rows - 1 - row}</text>'
    return f'<rect y="{ROW * row}" width="{WIDTH}" height="{ROW}" fill="{shade}"/>{label}'


def _arrow(source: tuple[int, int], target: tuple[int, int]) -> str:
    top, bottom = source[1] + BOX_HEIGHT // 2, target[1] - BOX_HEIGHT // 2
    bend = min(ROW, (bottom - top) // 2)
    path = f"M{source[0]},{top} C{source[0]},{top + bend} {target[0]},{bottom - bend} {target[0]},{bottom}"
    return f'<path d="{path}" fill="none" stroke="#55606b" stroke-width="1.4" marker-end="url(#tip)"/>'


def _box(name: str, x: int, y: int) -> str:
    left, top = x - BOX_WIDTH // 2, y - BOX_HEIGHT // 2
    return (
        f'<rect x="{left}" y="{top}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6" fill="#e3edf5" stroke="#34658c"/>'
        f'<text x="{x}" y="{y - 3}" font-size="15" font-weight="600" fill="#16324a">{escape(name)}</text>'
        f'<text x="{x}" y="{y + 15}" font-size="12" fill="#3c4a56">{escape(BOXES[name][1])}</text>'
    )


if __name__ == "__main__":
    PICTURE.write_text(picture())
