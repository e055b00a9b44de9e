"""Evidence of the links as a table, and the choice that follows from it."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.training.fitted import Fitted, LinkEvidence

COLUMNS = ("log_evidence", "difference", "probability", "chosen")


def chosen_link(evidence: LinkEvidence) -> str:
    """The link with the highest evidence; the first of equals."""
    return evidence.links[int(np.argmax(evidence.log_evidence))]


def link_table(fitted: Fitted) -> pd.DataFrame:
    """Log evidence of each link, from which `Config.link="auto"` chose.

    Returns:
        By `link`, highest evidence first: `log_evidence` of the KPI, nats up to a constant that both have; its
        `difference` to the highest; the `probability` of the link if both were equally likely beforehand and no others
        were possible; and whether it was `chosen`. A difference below 1 means that the panel does not tell the links
        apart. A KPI of 0 or less is impossible under a log link, whose evidence is then minus infinity. Empty where the
        link was stated.
    """
    evidence = fitted.link_evidence
    index = pd.Index([] if evidence is None else evidence.links, name="link", dtype=object)
    if evidence is None:
        return pd.DataFrame(columns=list(COLUMNS), index=index)
    difference = evidence.log_evidence - evidence.log_evidence.max()
    table = pd.DataFrame(
        {
            "log_evidence": evidence.log_evidence,
            "difference": difference,
            "probability": np.exp(difference) / np.exp(difference).sum(),
            "chosen": [link == chosen_link(evidence) for link in evidence.links],
        },
        index=index,
    )
    return table.sort_values("log_evidence", ascending=False, kind="stable")
