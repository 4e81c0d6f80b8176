"""The sensor that raises alarms: to the webhook of the operator, and to the daemon's log.

Does not belong here: which alarms there are (`core.alarms`) and how each is told once (`pipeline.alarm_delivery`).
"""

from datetime import UTC, datetime

import dagster as dg

from fleet_assets.contracts.alarms import ALARMS
from fleet_assets.defs.requests import digest
from fleet_assets.installation import Installation
from fleet_assets.pipeline.alarm_delivery import deliver, ledger_of, receiver_of
from fleet_assets.resources import InstallationResource


@dg.sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Raises each new alarm once, to FLEET_WEBHOOK_URL and to the log; tries again what was not accepted.",
)
def alarm_sensor(context: dg.SensorEvaluationContext, installation: InstallationResource) -> dg.SkipReason:
    """Looks at the ledger where the table is what it was; the cursor names the table's content."""
    here = installation.get()
    content = _content(here)
    if content == context.cursor and not ledger_of(here).counts()["waiting"]:
        return dg.SkipReason("No alarm waits.")
    counts = deliver(here, receiver_of(here), datetime.now(UTC), context.log.warning)
    context.update_cursor(content)
    return dg.SkipReason(", ".join(f"{count} {state}" for state, count in counts.items() if count) or "No alarm.")


def _content(installation: Installation) -> str:
    """Names the rows of the table."""
    named = installation.lake.generation(ALARMS).named
    return digest([f"{day} {content}" for day, (content, _) in sorted(named.items(), key=str)])
