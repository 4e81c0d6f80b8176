#!/usr/bin/env bash
# deltalake 1.6.6: an overwrite that keeps a file says in one commit that the file is there and that it is gone.
#
# DeltaTable.create_write_transaction(mode="overwrite") takes the files that the table shall have. A file that it had
# before and keeps is written as an add and as a remove of the same path, in one version. The protocol asks for at most
# one action a path and version; a reader that applies them in the order written loses the file.
# Seen: "version 1: add and remove of part-0.parquet".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet 'deltalake==1.6.6' 'pyarrow==26.0.1' 2>/dev/null
cat > "$folder/look.py" <<'PY'
import importlib.metadata, json, sys, time
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as pq
from deltalake import DeltaTable, Schema
from deltalake.transaction import AddAction, create_table_with_add_actions

folder = Path(sys.argv[1])
folder.mkdir()
rows = pa.table({"x": pa.array([1, 2, 3], pa.int64())})
pq.write_table(rows, folder / "part-0.parquet")

def add() -> AddAction:
    size = (folder / "part-0.parquet").stat().st_size
    return AddAction("part-0.parquet", size, {}, int(time.time() * 1000), True, json.dumps({"numRecords": 3}))

schema = Schema.from_arrow(rows.schema)
create_table_with_add_actions(str(folder), schema, [add()])
DeltaTable(str(folder)).create_write_transaction([add()], mode="overwrite", schema=schema)
log = (folder / "_delta_log" / f"{1:020}.json").read_text().splitlines()
said = sorted(kind for line in map(json.loads, log) for kind, action in line.items()
              if kind in ("add", "remove") and action["path"] == "part-0.parquet")
print(f"deltalake {importlib.metadata.version('deltalake')}: version 1: {' and '.join(said)} of part-0.parquet")
assert said == ["add", "remove"], "this has changed"
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder/table"
