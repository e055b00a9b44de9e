"""What processes on several machines check before they compute together."""

import socket
import subprocess
import sys

from tests.processes import with_devices

_DISAGREEING = """
import sys, jax
jax.distributed.initialize(sys.argv[1], 2, int(sys.argv[2]), cluster_detection_method="deactivate",
                           coordinator_bind_address=sys.argv[1] if sys.argv[2] == "0" else None)
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.parallel.hosts import refuse_disagreement
refuse_disagreement({"panel": "one", "seed": 3})
try:
    refuse_disagreement({"panel": "one", "seed": int(sys.argv[2])})
except ConfigError as error:
    print(error)
"""


def test_hosts_with_different_arguments_all_say_so(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-c", _DISAGREEING, address]
    environment = with_devices(1)
    hosts = [
        subprocess.Popen([*command, str(host)], env=environment, stdout=subprocess.PIPE, text=True) for host in range(2)
    ]
    try:
        said = [host.communicate(timeout=120)[0].strip().splitlines()[-1] for host in hosts]
    finally:
        for host in hosts:
            host.kill()
    assert (
        said == ["Host 1 was started with a different seed from host 0; start all hosts with the same arguments."] * 2
    )
