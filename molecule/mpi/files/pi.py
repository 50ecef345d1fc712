"""Compute pi on all ranks together, and tell where each of them runs."""

import os
from array import array

from mpi4py import MPI

STEPS = 30000

ranks = MPI.COMM_WORLD
places = [(step + 0.5) / STEPS for step in range(ranks.rank, STEPS, ranks.size)]
part = array("d", [sum(4 / (1 + x * x) for x in places) / STEPS])
whole = array("d", [0.0])
ranks.Reduce(part, whole, op=MPI.SUM, root=0)

task = "{PAI_CURRENT_TASK_ROLE_NAME}-{PAI_TASK_INDEX} at {PAI_CONTAINER_HOST_IP}"
tasks = ranks.gather(task.format_map(os.environ), root=0)
if ranks.rank == 0:
    for rank, name in enumerate(tasks):
        print(f"rank {rank} of {ranks.size} is {name}")
    print(f"pi is {whole[0]:.6f}")
