"""Evidence of the kinds of saturation as a table, and the choice that follows from it."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.training.fitted import CurveEvidence, Fitted

CLEAR = 1.0  # nats by which another kind must lead; less is "not worth more than a bare mention", Kass & Raftery 1995
COLUMNS = ("log_evidence", "difference", "probability", "chosen")


def chosen(evidence: CurveEvidence) -> str:
    """The kind with the highest evidence; the first one, where no other leads it by `CLEAR` nats."""
    best = int(np.argmax(evidence.log_evidence))
    return evidence.kinds[best if evidence.log_evidence[best] - evidence.log_evidence[0] > CLEAR else 0]


def evidence_table(fitted: Fitted) -> pd.DataFrame:
    """Log evidence of each kind of saturation, from which `Config.curve="auto"` chose.

    Returns:
        By `saturation`, highest evidence first: `log_evidence`, nats up to a constant; its `difference` to the highest;
        the `probability` of the kind if all were equally likely beforehand and no others were possible; and whether it
        was `chosen`. Below a difference of 1 the kind in the settings is kept: such panels do not tell the kinds apart.
        Empty where the kind was stated.
    """
    evidence = fitted.curve_evidence
    index = pd.Index([] if evidence is None else evidence.kinds, name="saturation", dtype=object)
    if evidence is None:
        return pd.DataFrame(columns=list(COLUMNS), index=index)
    difference = evidence.log_evidence - evidence.log_evidence.max()
    table = pd.DataFrame(
        {
            "log_evidence": evidence.log_evidence,
            "difference": difference,
            "probability": np.exp(difference) / np.exp(difference).sum(),
            "chosen": [kind == chosen(evidence) for kind in evidence.kinds],
        },
        index=index,
    )
    return table.sort_values("log_evidence", ascending=False, kind="stable")
