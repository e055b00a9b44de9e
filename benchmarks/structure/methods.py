"""Structure learning by other packages, through their public functions. Needs the environment that `others.py` names.

Each function returns what `scores.py` reads. Settings are the packages' own unless said.
"""

import contextlib
import logging
import os
from collections.abc import Callable, Iterator

import numpy as np

ALPHA = 0.01  # level of the tests of conditional independence


def pc(x: np.ndarray) -> np.ndarray:
    """PC (Spirtes et al. 2000), Fisher's z: CPDAG."""
    from causallearn.search.ConstraintBased.PC import pc as run

    return _marks(run(x, ALPHA, "fisherz", show_progress=False).G.graph)


def ges(x: np.ndarray) -> np.ndarray:
    """GES (Chickering 2002), BIC: CPDAG."""
    from causallearn.search.ScoreBased.GES import ges as run

    return _marks(run(x)["G"].graph)


def boss(x: np.ndarray, penalty: float = 0.5) -> np.ndarray:
    """BOSS (Andrews et al. 2023) with BIC (a penalty of 0.5 here): CPDAG.

    The search starts from an order that the package draws from numpy's global generator, which is seeded.
    """
    from causallearn.search.PermutationBased.BOSS import boss as run

    np.random.seed(0)  # noqa: NPY002 - the package reads this generator
    with quiet():
        return _marks(run(x, parameters={"lambda_value": penalty}, verbose=False).graph)


def direct_lingam(x: np.ndarray) -> np.ndarray:
    """DirectLiNGAM (Shimizu et al. 2011): weights."""
    import lingam

    return np.asarray(lingam.DirectLiNGAM().fit(x).adjacency_matrix_).T


def notears(x: np.ndarray) -> np.ndarray:
    """NOTEARS (Zheng et al. 2018) as gCastle has it: adjacency."""
    from castle.algorithms import Notears

    logging.disable(logging.INFO)
    model = Notears()
    model.learn(x)
    return np.asarray(model.causal_matrix)


def dagma(x: np.ndarray) -> np.ndarray:
    """DAGMA (Bello et al. 2022): weights of at least 0.3."""
    from dagma.linear import DagmaLinear

    with quiet():
        return DagmaLinear(loss_type="l2").fit(x, lambda1=0.02)


def var_lingam(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """VAR-LiNGAM (Hyvarinen et al. 2010), one lag: weights within the week, and lagged."""
    import lingam

    within, *lagged = lingam.VARLiNGAM(lags=1, criterion=None).fit(series).adjacency_matrices_
    return within.T, np.stack([weights.T for weights in lagged])


def pcmci_plus(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """PCMCI+ (Runge 2020), partial correlation, one lag: CPDAG within the week, and lagged edges."""
    from tigramite.data_processing import DataFrame
    from tigramite.independence_tests.parcorr import ParCorr
    from tigramite.pcmci import PCMCI

    with quiet():
        model = PCMCI(dataframe=DataFrame(series), cond_ind_test=ParCorr(), verbosity=0)
        graph = model.run_pcmciplus(tau_min=0, tau_max=1, pc_alpha=ALPHA)["graph"]
    within = np.isin(graph[:, :, 0], ("-->", "o-o", "x-x"))
    return within, (graph[:, :, 1:] == "-->").transpose(2, 0, 1)


def pcmci_strengths(series: np.ndarray) -> np.ndarray:
    """PCMCI (Runge et al. 2019), two lags: absolute partial correlations `[lag, source, target]`."""
    from tigramite.data_processing import DataFrame
    from tigramite.independence_tests.parcorr import ParCorr
    from tigramite.pcmci import PCMCI

    with quiet():
        model = PCMCI(dataframe=DataFrame(series), cond_ind_test=ParCorr(), verbosity=0)
        strength = model.run_pcmci(tau_min=1, tau_max=2, pc_alpha=None)["val_matrix"]
    return np.abs(strength[:, :, 1:]).transpose(2, 0, 1)


def dynotears(series: np.ndarray, penalty: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Dynamic NOTEARS (Pamfil et al. 2020), its authors' code in causalnex, one lag: weights without a threshold."""
    from causalnex.structure.dynotears import from_numpy_dynamic

    graph = from_numpy_dynamic(series[1:], series[:-1], lambda_w=penalty, lambda_a=penalty)
    d = series.shape[1]
    weights = np.zeros((2, d, d))
    for source, target, edge in graph.edges(data=True):
        i, lag = source.split("_lag")
        weights[int(lag), int(i), int(target.split("_lag")[0])] = edge["weight"]
    return weights[0], weights[1:]


def ridge(series: np.ndarray, lags: int = 2, penalty: float = 10.0) -> np.ndarray:
    """Ridge regression of a week on the weeks before, standardised: weights `[lag, source, target]`.

    Args:
        series: `[week, variable]`, or `[shop, week, variable]` for shops that share their weights.
        lags: number of earlier weeks.
        penalty: on squared weights; with standardised columns, so many more weeks of zeros.
    """
    panel = series if series.ndim == 3 else series[None]
    panel = (panel - panel.mean(axis=1, keepdims=True)) / panel.std(axis=1, keepdims=True)
    weeks, d = panel.shape[1:]
    past = np.concatenate([panel[:, lags - 1 - k : weeks - 1 - k] for k in range(lags)], axis=2).reshape(-1, lags * d)
    now = panel[:, lags:].reshape(-1, d)
    weights = np.linalg.solve(past.T @ past + penalty * np.eye(lags * d), past.T @ now)
    return weights.reshape(lags, d, d)


def k_means(series: np.ndarray, groups: int) -> np.ndarray:
    """Groups of shops by k-means on each shop's ridge weights, the best of 20 starts: label `[shop]`."""
    from scipy.cluster.vq import kmeans2

    weights = np.stack([ridge(own).ravel() for own in series])
    tried = [kmeans2(weights, groups, seed=start, minit="++") for start in range(20)]
    return min(tried, key=lambda found: ((weights - found[0][found[1]]) ** 2).sum())[1]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what a package prints."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        yield


def _marks(graph: np.ndarray) -> np.ndarray:
    """CPDAG of causal-learn's end marks: i -> j is -1 at [i, j] and 1 at [j, i]; both heads count as undirected."""
    directed = (graph == -1) & (graph.T == 1)
    undirected = (graph != 0) & (graph == graph.T)
    return directed | undirected


CPDAG_METHODS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "pc": pc,
    "ges": ges,
    "boss": boss,
    "boss, penalty 2": lambda x: boss(x, 2.0),  # the package's own
}
