#!/usr/bin/env bash
# dagster 1.13.27: the SQLite event log opens and closes the database for each statement of each event.
#
# SqliteEventLogStorage makes an SQLAlchemy engine without a pool for every use. Storing one materialization opens the
# run's file and the index; whenever the last connection to a file closes, SQLite copies its write-ahead log into the file,
# waits for the disk and removes the log. Statements are compiled anew as well, as the engine is new.
# Seen: "20 materializations opened SQLite 40 times; 0 write-ahead logs left".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet 'dagster==1.13.27' 2>/dev/null
cat > "$folder/look.py" <<'PY'
import importlib.metadata, sqlite3, sys
from pathlib import Path
import dagster as dg

home = Path(sys.argv[1])
home.mkdir()
(home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
EVENTS = 20
with dg.DagsterInstance.from_config(str(home)) as instance:
    instance.report_runless_asset_event(dg.AssetMaterialization("trips", partition="2026-03-01"))
    opened, connect = [], sqlite3.dbapi2.connect

    def counted(*given, **named):
        opened.append(given)
        return connect(*given, **named)

    sqlite3.dbapi2.connect = counted
    for number in range(EVENTS):
        instance.report_runless_asset_event(dg.AssetMaterialization("trips", partition=f"2026-04-{number + 1:02}"))
logs = list(home.rglob("*.db-wal"))
print(f"dagster {importlib.metadata.version('dagster')}: {EVENTS} materializations opened SQLite {len(opened)} times; "
      f"{len(logs)} write-ahead logs left")
assert len(opened) >= 2 * EVENTS and not logs, "this has changed"
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder/home"
