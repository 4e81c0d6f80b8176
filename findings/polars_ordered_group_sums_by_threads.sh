#!/usr/bin/env bash
# polars 2.1.0: sums of a lazy group_by(maintain_order=True) differ in their last digits with the number of threads.
#
# The order of groups is kept, and rows stay in order within a group, but the sum of a group is put together of partial
# sums, one per thread. A machine with other cores writes other bytes for the same rows. The eager group_by adds up in
# order, with any number of threads; so does cum_sum().last() as the aggregate.
# Seen: "1, 2, 3, 7 threads: 4 results of the lazy sum, 1 of the eager one, 1 of cum_sum().last()".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet 'polars==2.1.0' 'numpy==2.4.6' 2>/dev/null
cat > "$folder/sums.py" <<'PYTHON'
import hashlib

import numpy as np
import polars as pl

random = np.random.default_rng(7)
frame = pl.DataFrame({"group": np.sort(random.integers(0, 1500, 20_000)), "x": random.random(20_000)})
total, in_order = pl.col("x").sum(), pl.col("x").cum_sum().last()
found = (
    frame.lazy().group_by("group", maintain_order=True).agg(total).collect(),
    frame.group_by("group", maintain_order=True).agg(total),
    frame.lazy().group_by("group", maintain_order=True).agg(in_order).collect(),
)
print(*(hashlib.sha256(one["x"].to_numpy().tobytes()).hexdigest()[:12] for one in found))
PYTHON
for threads in 1 2 3 7; do POLARS_MAX_THREADS=$threads "$folder/venv/bin/python" "$folder/sums.py"; done > "$folder/seen"
results() { awk -v column="$1" '{print $column}' "$folder/seen" | sort -u | wc -l; }
echo "1, 2, 3, 7 threads: $(results 1) results of the lazy sum, $(results 2) of the eager one, $(results 3) of cum_sum().last()"
test "$(results 1)" -gt 1 && test "$(results 2)" -eq 1 && test "$(results 3)" -eq 1 || { echo "this has changed"; exit 1; }
