"""What those who start `fleet-dbt` tell it alone: variables that neither dbt nor libpq knows."""

from __future__ import annotations

SERVER_OPTIONS = "FLEET_WAREHOUSE_OPTIONS"
"""What the server is told when dbt's sessions begin."""

FOLDER = "FLEET_WAREHOUSE_FOLDER"
"""Where dbt works. The profile names a file within it and no path: what dbt has read of the project holds anywhere."""
