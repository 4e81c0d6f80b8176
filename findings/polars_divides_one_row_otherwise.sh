#!/usr/bin/env bash
# polars 2.1.0: a column over a number is another number in the last digit, and depends on whether the frame has one row.
#
# `pl.col("x") / 100` multiplies by the reciprocal of 100 where there are several rows, and divides where there is one. So
# a row of a table computed by itself is not, bit for bit, the same row of the table computed as a whole: who compares
# partitions by hash, or rebuilds one day of many, sees rows that differ although no input did. NumPy divides in both.
# Seen: "2 000 rows over 100: 275 differ from the same row alone; alone all equal numpy's, of the whole frame 1 725".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet 'polars==2.1.0' 'numpy==2.4.6' 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON' || { echo "this has changed"; exit 1; }
import numpy as np
import polars as pl

x = np.random.default_rng(1).normal(0, 1000, 2000)
frame = pl.DataFrame({"x": x})
whole = frame.select(pl.col("x") / 100)["x"].to_numpy()
alone = np.array([frame[i].select(pl.col("x") / 100)["x"].item() for i in range(2000)])
differ, right, of_whole = (whole != alone).sum(), (alone == x / 100).sum(), (whole == x / 100).sum()
print(f"2 000 rows over 100: {differ} differ from the same row alone; "
      f"alone {right} equal numpy's, of the whole frame {of_whole}")
assert differ > 0 and right == 2000
PYTHON
