"""Evidence of the kinds of saturation and of their families as a table, and the choice that follows from it."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.config.curves import family_of_saturation
from deepcausalmmm_jax.training.fitted import CurveEvidence, Fitted

CLEAR = 1.0  # nats by which another kind must lead; less is "not worth more than a bare mention", Kass & Raftery 1995
COLUMNS = ("log_evidence", "difference", "probability", "chosen", "family", "family_probability")


def family_evidence(evidence: CurveEvidence) -> dict[str, float]:
    """Log evidence of each family, nats: the mean evidence of its kinds, each as likely beforehand as the others."""
    families = [family_of_saturation(kind) for kind in evidence.kinds]
    found = {}
    for family in dict.fromkeys(families):
        own = [nats for nats, other in zip(evidence.log_evidence, families, strict=True) if other == family]
        found[family] = float(np.logaddexp.reduce(own) - np.log(len(own)))
    return found


def chosen(evidence: CurveEvidence) -> str:
    """The kind with the highest evidence within the family with the highest evidence.

    In its own family the first kind, that of the settings, stays where no other leads it by `CLEAR` nats: within a
    family the curves are nearly the same over the range that was bought, between families they are not.
    """
    by_family = family_evidence(evidence)
    family = max(by_family, key=lambda name: by_family[name])
    own = {
        kind: float(nats)
        for kind, nats in zip(evidence.kinds, evidence.log_evidence, strict=True)
        if family_of_saturation(kind) == family
    }
    best, first = max(own, key=lambda kind: own[kind]), evidence.kinds[0]
    return first if first in own and own[best] - own[first] <= CLEAR else best


def evidence_table(fitted: Fitted) -> pd.DataFrame:
    """Log evidence of each kind of saturation, from which `Config.curve="auto"` chose.

    Returns:
        By `saturation`, highest evidence first: `log_evidence`, nats up to a constant; its `difference` to the highest;
        the `probability` of the kind if all were equally likely beforehand and no others were possible; whether it was
        `chosen`; its `family`, `maximum` (it has one), `no_maximum` or `linear`; and the `family_probability`, if all
        families were equally likely beforehand. The kind is chosen within the likeliest family; there, the kind in the
        settings is kept unless another leads it by 1 nat. Empty where the kind was stated.
    """
    evidence = fitted.curve_evidence
    index = pd.Index([] if evidence is None else evidence.kinds, name="saturation", dtype=object)
    if evidence is None:
        return pd.DataFrame(columns=list(COLUMNS), index=index)
    difference = evidence.log_evidence - evidence.log_evidence.max()
    by_family, kind = family_evidence(evidence), chosen(evidence)
    total = np.logaddexp.reduce(list(by_family.values()))
    families = [family_of_saturation(name) for name in evidence.kinds]
    table = pd.DataFrame(
        {
            "log_evidence": evidence.log_evidence,
            "difference": difference,
            "probability": np.exp(difference) / np.exp(difference).sum(),
            "chosen": [name == kind for name in evidence.kinds],
            "family": families,
            "family_probability": [float(np.exp(by_family[family] - total)) for family in families],
        },
        index=index,
    )
    return table.sort_values("log_evidence", ascending=False, kind="stable")
