"""The file `.env.example`, made from the settings by `make docs`.

Belongs here: wording and layout of that file. Does not belong here: any setting.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from fleet_assets.settings import Settings

INTRODUCTION = """\
# Settings of fleet_assets, each with its default. Copy this file to `.env` in the working directory or in FLEET_HOME,
# and remove the sign in front of what you change. What the environment says wins. Written by `make docs`.
"""

FROM_THE_ENVIRONMENT_ONLY = """
# Not read from this file: Dagster reads it from the environment of the process. An address with a password above may
# stand there too.

# Dagster's own storage: postgresql+psycopg2://user:password@host/dagster. Default: SQLite files in $FLEET_HOME/dagster
#DAGSTER_PG_URL=
"""


def env_example() -> str:
    """The text of the file: every setting with its meaning, and its default commented out."""
    return INTRODUCTION + "\n".join(_settings()) + "\n" + FROM_THE_ENVIRONMENT_ONLY


def _settings() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        yield f"\n# {field.description}\n#FLEET_{name.upper()}={field.default}"


if __name__ == "__main__":
    sys.stdout.write(env_example())
