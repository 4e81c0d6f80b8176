#!/usr/bin/env bash
# dagster 1.13.27: of A -> B -> C, a run that selects A and C alone does not keep them in order.
#
# A run orders the steps of the selected assets by their direct dependencies. Where the asset between two selected ones is
# left out, nothing connects them any more: C may run before A, and reads what A is about to replace. A view of dbt between
# a table and a model is such an asset: leaving it out, since it holds no rows, leaves the model behind by one run.
# Seen: "late_source -> view -> early_mart: with all three late_source, view, early_mart; without the view early_mart,
# late_source".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet 'dagster==1.13.27' 2>/dev/null
cat > "$folder/look.py" <<'PY'
import importlib.metadata, logging
import dagster as dg

logging.disable(logging.CRITICAL)
ran: list[str] = []

@dg.asset
def late_source():
    ran.append("late_source")

@dg.asset(deps=[late_source])
def view():
    ran.append("view")

@dg.asset(deps=[view])
def early_mart():
    ran.append("early_mart")

def order(*keys: str) -> list[str]:
    ran.clear()
    defs = dg.Definitions([late_source, view, early_mart], executor=dg.in_process_executor)
    job = defs.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey(key) for key in keys])
    return [*ran]

whole, part = order("late_source", "view", "early_mart"), order("late_source", "early_mart")
print(f"dagster {importlib.metadata.version('dagster')}: late_source -> view -> early_mart: with all three "
      f"{', '.join(whole)}; without the view {', '.join(part)}")
assert whole == ["late_source", "view", "early_mart"] and part == ["early_mart", "late_source"], "this has changed"
PY
"$folder/venv/bin/python" "$folder/look.py"
