"""The suite's figures as tables."""

import pandas as pd

from deepcausalmmm_jax.benchmarking.figures import SuiteFigures

_EPOCH = [
    "ms_per_epoch",
    "compile_s",
    "program_gib",
    "peak_gib",
    "gflop",
    "gbytes",
    "steps",
    "share_of_product_ceiling",
    "share_of_bandwidth_ceiling",
    "share_of_step_ceiling",
]
_SINGLE = ["forward_ms", "backward_ms", "rest_ms", "epochs_of_fit", "fit_s_by_epochs", "first_fit_s"]


def tables(found: SuiteFigures) -> dict[str, pd.DataFrame]:
    """Tables of the most important figures of `run_suite`, by title."""
    single = pd.DataFrame(found["single"]).set_index("model")
    scaling = pd.DataFrame(found["scaling"]).set_index(["against", "size"])
    shown = {
        "Single fits": single[[name for name in (*_EPOCH, *_SINGLE) if name in single]].T,
        "An epoch of the default model, with one size varied at a time": scaling[_EPOCH],
        "Refits by number": pd.DataFrame(found["replicates"]).set_index("replicates"),
        "Refits by cores or devices": pd.DataFrame(found["workers"]).set_index("workers"),
    }
    if found["exponents"]:
        powers = pd.Series(found["exponents"], name="exponent").to_frame()
        shown["Time grows as size to the power of"] = powers
    if "largest" in found:
        wanted = ["regions", "weeks", "channels", "prepare_s", "compile_s", "ms_per_epoch", "program_gib", "peak_gib"]
        shown["Peak memory of a large fit"] = pd.DataFrame([found["largest"]])[wanted].T.rename(columns={0: ""})
    return shown
