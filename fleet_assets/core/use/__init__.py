"""Use of vehicles by the hour: telemetry of a day in, rows of the `hourly_use` table out.

Belongs here: `hourly_use` (in `hourly`), and the sharing of what was driven, burned and used among hours (`hours`,
`steps`). Does not belong here: which trips there are and how they are measured (`trips`, modules of `core`).
"""

from fleet_assets.core.use.hourly import hourly_use

__all__ = ["hourly_use"]
