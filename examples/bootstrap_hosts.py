"""Bootstrap a saved fit on several hosts: each does its share of the refits, and all get the whole ensemble.

Slurm:      srun -N 4 --ntasks-per-node=1 python examples/bootstrap_hosts.py run/fit.npz --replicates 1000 --out refits
By hand:    python examples/bootstrap_hosts.py run/fit.npz --coordinator 10.0.0.1:4711 --hosts 2 --host 0  (or 1)
"""

import argparse

import jax


def main() -> None:
    """Join the hosts, then refit; host 0 writes the ensemble."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fit")
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--method", default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--out", default="refits", help="folder for finished refits, shared by all hosts or local to each"
    )
    parser.add_argument("--to", default="ensemble.npz")
    parser.add_argument("--coordinator", help="address:port of host 0; leave out under a scheduler that sets it")
    parser.add_argument("--hosts", type=int)
    parser.add_argument("--host", type=int)
    parser.add_argument("--batch-size", type=int, help="refits side by side on a core or device")
    wanted = parser.parse_args()
    if wanted.coordinator is None:
        jax.distributed.initialize()
    else:
        jax.distributed.initialize(
            wanted.coordinator,
            num_processes=wanted.hosts,
            process_id=wanted.host,
            cluster_detection_method="deactivate",
            coordinator_bind_address=wanted.coordinator if wanted.host == 0 else None,
        )
    import deepcausalmmm_jax as dcm  # only now: the hosts must join before JAX starts

    ensemble = dcm.bootstrap(
        dcm.load(wanted.fit),
        wanted.replicates,
        wanted.method,
        wanted.seed,
        batch_size=wanted.batch_size,
        out=wanted.out,
        checks=0,
    )
    if jax.process_index() == 0:
        ensemble.save(wanted.to)


if __name__ == "__main__":
    main()
