"""Print the benchmark table: every budget of the project, measured in one run."""

from __future__ import annotations

import bench_barrier
import bench_capture
import bench_life
import bench_scan
from table import show

if __name__ == "__main__":  # a missed budget is no failure: machines are noisy
    for module in (bench_life, bench_scan, bench_capture, bench_barrier):
        show(module.measure())
