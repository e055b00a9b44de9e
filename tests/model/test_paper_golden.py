from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from deepcausalmmm_jax.config.paper import Published
from deepcausalmmm_jax.model.paper.inputs import PaperDesign, PaperInputs
from deepcausalmmm_jax.model.paper.module import PaperMMM, parameter_starts
from deepcausalmmm_jax.training.hyperparameters import PaperHyperparameters
from deepcausalmmm_jax.training.paper.objective import Duals, acyclicity, graph_penalty, paper_objective, sparsity
from deepcausalmmm_jax.training.paper.optimizer import clipped, paper_moments, stepped

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
TEMPERATURE = {"triangular": 1.0, "notears": 0.5}
OUTPUTS = [
    "prediction", "media_coefficients", "media_contributions", "control_coefficients", "control_contributions",
    "baseline", "seasonal_contribution", "media_adstock", "media_hill", "media_dag", "raw_prediction",
]  # fmt: skip


class Case:
    """The published model on its small fixed case."""

    def __init__(self, graph):
        archive = np.load(GOLDEN / f"reference_{graph}.npz")
        self.figures = {name: archive[name] for name in archive.files}
        self.parameters = {name: jnp.asarray(a) for name, a in self.under("param/").items()}
        self.graph = graph
        self.design = PaperDesign(3, 4, 3, 24, 8, 0.0, 4, 0, TEMPERATURE[graph], graph)
        self.model = PaperMMM(self.design)
        self.fitted = {"season": jnp.asarray(self.figures["in/seasonal"])}
        self.inputs = PaperInputs(
            exposure=jnp.asarray(self.figures["in/media"]),
            control=jnp.asarray(self.figures["in/control"]),
            week=jnp.arange(24),
            season=self.fitted["season"],
            kpi=jnp.asarray(self.figures["in/y"]),
        )
        self.duals = Duals(jnp.ones(()), jnp.zeros(()), jnp.asarray(True))
        self.weights = jnp.ones((3, 24))

    def under(self, prefix):
        return {name.removeprefix(prefix): a for name, a in self.figures.items() if name.startswith(prefix)}

    def apply(self, method, parameters=None):
        variables = {"params": self.parameters if parameters is None else parameters, "fitted": self.fitted}
        arguments = (self.inputs,) if method == "terms" else ()
        return jax.jit(self.model.apply, static_argnames="method")(variables, *arguments, method=method)


@pytest.fixture(scope="module", params=["triangular", "notears"])
def case(request):
    return Case(request.param)


def test_parameters_have_the_published_names_and_shapes(case):
    shapes = {name: shape for name, (_, shape) in parameter_starts(case.design).items()}
    assert shapes == {name: a.shape for name, a in case.parameters.items()}


def test_the_published_size_has_as_many_parameters_as_the_original():
    design = PaperDesign(190, 13, 7, 52, 280, 0.12, 6, 6, 0.5, "triangular")
    assert sum(int(np.prod(shape)) for _, shape in parameter_starts(design).values()) == 606_118


@pytest.mark.parametrize("name", OUTPUTS)
def test_forward_pass(case, name):
    ours = getattr(case.apply("terms"), name)
    np.testing.assert_allclose(ours, case.figures[f"out/{name}"], atol=1e-5, rtol=0)


def test_every_golden_output_is_held(case):
    assert set(case.under("out/")) == {*OUTPUTS, "attribution_reg_loss_raw", "seasonal_reg_loss_raw"}
    assert set(case.under("loss/")) == {"dag", "sparsity", "adjacency", "h_acyclicity", "huber"}


def test_losses(case):
    edges, p = case.apply("edges"), case.apply("probabilities")
    h = acyclicity(edges, case.graph)
    terms = case.apply("terms")
    seasonal = (jax.nn.softplus(case.parameters["seasonal_coeff"][0]) - 1.0) ** 2
    attribution = jnp.mean((terms.media_contributions.sum(-1) - 0.4 * terms.raw_prediction) ** 2)
    dag = graph_penalty(case.parameters["adj_logits"], p, edges, h, case.duals, case.graph)
    ours = {
        "loss/adjacency": edges,
        "loss/h_acyclicity": h,
        "loss/dag": dag,
        "loss/sparsity": sparsity(case.parameters),
        "loss/huber": optax.huber_loss(case.inputs.kpi - terms.prediction, delta=0.25).mean(),
        "out/attribution_reg_loss_raw": attribution,
        "out/seasonal_reg_loss_raw": seasonal,
    }
    for name, value in ours.items():
        np.testing.assert_allclose(value, case.figures[name], rtol=1e-5, err_msg=name)


def test_gradients_of_the_huber_loss(case):
    def loss(parameters):
        return optax.huber_loss(case.inputs.kpi - case.apply("terms", parameters).prediction, delta=0.25).mean()

    gradients = jax.jit(jax.grad(loss))(case.parameters)
    golden = case.under("grad_huber/")
    assert set(golden) <= set(gradients)
    for name, gradient in gradients.items():
        theirs = golden.get(name, np.zeros_like(gradient))  # the original gives none where the loss does not depend
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(gradient, theirs, rtol=1e-4, atol=1e-4 * scale, err_msg=name)


def test_five_steps_of_training(case):
    published = PaperHyperparameters.of(Published())
    parameters, moments = case.parameters, paper_moments().init(case.parameters)

    @jax.jit
    def step(parameters, moments):
        (value, forward), gradient = jax.value_and_grad(paper_objective, has_aux=True)(
            parameters, case.fitted, case.model, case.inputs, case.weights, published, case.duals
        )
        direction, moments = paper_moments().update(clipped(gradient, published), moments)
        stepped_on = stepped(parameters, direction, published.learning_rate, published.weight_decay)
        return stepped_on, moments, value, forward.terms

    seen = []
    for _ in range(5):
        parameters, moments, value, terms = step(parameters, moments)
        seen.append((float(value), float(terms["huber"])))
    np.testing.assert_allclose(seen, case.figures["train/total_and_huber"], rtol=1e-4)
    for name, golden in case.under("train/param_after_5/").items():
        np.testing.assert_allclose(parameters[name], golden, atol=1e-4, rtol=1e-4, err_msg=name)
