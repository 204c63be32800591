"""How this process was started, as its environment says."""

import os
import sys

SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
"""Variables in which launchers of MPI programs say how many processes they have started."""


def launched() -> int:
    """How many processes a launcher of MPI programs has started; 0 without one."""
    return max(int(os.environ.get(name) or 0) for name in SIZES)


def chosen() -> str:
    """The engine that this process was started for: "mpi" under a launcher, "ray" where Ray runs, else "serial"."""
    if launched() > 1:
        return "mpi"
    ray = sys.modules.get("ray")
    return "ray" if "RAY_ADDRESS" in os.environ or (ray is not None and ray.is_initialized()) else "serial"
