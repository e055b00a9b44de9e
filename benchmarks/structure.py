"""Structure learning: how far is what `learn_dag` finds from known graphs, and how long does it take?

python benchmarks/structure.py [--parts classes equal units directions dynamic shops speed] [--seeds 10] [--first 0]

Each row is a world of `structure/worlds.py`, scored by `structure/scores.py`. Rows of other methods on the same
seeds, from `structure/others.py` in an environment of its own, are printed below ours.
"""

import argparse
from typing import Any

from harness import record
from structure.ours import PARTS, beside


def shown(row: dict[str, Any]) -> str:
    """The figures of a row."""
    return "  ".join(f"{name} {value:.3g}" for name, value in row.items() if isinstance(value, float))


def main() -> None:
    """Print the figures and write them as JSON, a file a part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    wanted = parser.parse_args()
    for part in wanted.parts:
        rows: dict[str, dict[str, Any]] = {}
        print(PARTS[part].__doc__)
        for name, row in PARTS[part](range(wanted.first, wanted.first + wanted.seeds)):
            rows[name] = row
            print(f"  {name:52s} {shown(row)}", flush=True)
            for other, figures in beside(name):
                print(f"    {other:50s} {shown(figures)}  {figures['note']}", flush=True)
        print("wrote", record(f"structure_{part}_{wanted.first}", rows))


if __name__ == "__main__":
    main()
