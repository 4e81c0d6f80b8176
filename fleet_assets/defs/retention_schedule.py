"""The schedule that prunes the landing zone every night; stopped until somebody starts it, since it removes files.

Does not belong here: which files may go (`retention`).
"""

import dagster as dg

from fleet_assets.pipeline.retention import prune_now
from fleet_assets.resources import InstallationResource


@dg.op(description="Removes landed files whose rows are durable in their raw tables, as `fleet landing prune` does.")
def prune_landing(context: dg.OpExecutionContext, installation: InstallationResource) -> None:
    """Says in the run's log what went and which days were kept for which reason."""
    found = prune_now(installation.get())
    for day in found:
        if day.kept_because:
            context.log.warning(f"{day.source} {day.day}: kept, {day.kept_because}")
    files, size = sum(day.files for day in found), sum(day.byte_count for day in found)
    context.log.info(f"{files} files removed, {size} bytes")


@dg.job(description="Prunes the landing zone: files older than FLEET_LANDING_KEEP_DAYS give way to one sealed a day.")
def landing_retention_job() -> None:
    """One step."""
    prune_landing()


landing_retention = dg.ScheduleDefinition(
    name="landing_retention",
    job=landing_retention_job,
    cron_schedule="30 2 * * *",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Every night at 02:30 UTC, once somebody has started it.",
)
