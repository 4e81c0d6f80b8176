#!/usr/bin/env bash
# polars 2.1.0 with duckdb 2.0.0: a frame made of a relation leaves the relation behind, and the program ends with complaints.
#
# pl.DataFrame(relation) reads DuckDB's Arrow stream without pyarrow. Nothing is wrong with the rows; but what the stream
# holds is not let go, and at exit DuckDB's binding prints some thirty lines about leaked instances to standard error. A
# program whose standard error somebody reads, or compares, shows them. By way of relation.to_arrow_table() there are none.
# Seen: "pl.DataFrame(relation): 35 lines about leaks; of to_arrow_table(): 0".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet 'polars==2.1.0' 'duckdb==2.0.0' 'pyarrow==26.0.1' 2>/dev/null
lines() {
  "$folder/venv/bin/python" -c "
import duckdb, polars as pl
assert pl.DataFrame(duckdb.sql('select 1 as a')$1).item() == 1" 2>&1 | grep -c leaked || true
}
direct=$(lines "")
by_arrow=$(lines ".to_arrow_table()")
echo "polars 2.1.0, duckdb 2.0.0: pl.DataFrame(relation): $direct lines about leaks; of to_arrow_table(): $by_arrow"
test "$direct" -gt 0 && test "$by_arrow" -eq 0 || { echo "this has changed"; exit 1; }
