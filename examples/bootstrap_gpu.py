"""Bootstrap a saved fit on the accelerators of this machine, and report how long it took.

pip install -U "jax[cuda12]"    # or the JAX build for your accelerator
python examples/bootstrap_gpu.py run/fit.npz --replicates 1000 --out run/refits
"""

import argparse

import jax

import deepcausalmmm_jax as dcm


def main() -> None:
    """Refit on every accelerator; without one, print a line and use the CPU."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fit")
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--batch-size", type=int, help="refits side by side on a device; default: by its memory")
    parser.add_argument("--out", default="refits", help="finished refits; an interrupted run resumes from them")
    parser.add_argument("--to", default="ensemble.npz")
    wanted = parser.parse_args()
    devices = jax.local_devices()
    print(f"{len(devices)} x {devices[0].device_kind}")
    if devices[0].platform == "cpu":
        print("JAX sees no accelerator; the refits run on the cores of the CPU.")
    ensemble = dcm.bootstrap(
        dcm.load(wanted.fit), wanted.replicates, batch_size=wanted.batch_size, out=wanted.out, checks=0
    )
    made = ensemble.replicates
    print(f"{len(made)} refits in {made.seconds:.1f} s, and {made.compile_seconds:.1f} s to compile")
    print(ensemble.notes().to_string(float_format=lambda value: f"{value:.2f}"))
    ensemble.save(wanted.to)


if __name__ == "__main__":
    main()
