"""What `fleet import --help` says of sources: those of this installation, looked up when somebody asks.

Does not belong here: importing (`import_logs`).
"""

from __future__ import annotations

from typing import Any

from fleet_assets.plain_help import PlainCommand

SOURCE_HELP = "What the files are"


class ImportCommand(PlainCommand):
    """Completes the help of `--source` before it is shown."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Name every source and its files."""
        for parameter in self.params:
            if parameter.name == "source":
                parameter.help = f"{SOURCE_HELP}: {_sources()}."  # type: ignore[attr-defined]
        super().format_help(ctx, formatter)


def _sources() -> str:
    """`can` (.asc …) or `telemetry` (…)."""
    # Imported here: `fleet --help` starts without a table.
    from fleet_assets.contracts import registry

    named = [f"`{name}` ({source.files.says})" for name, source in registry().importable().items() if source.files]
    return " or ".join(filter(None, (", ".join(named[:-1]), named[-1])))


def known_sources(incomplete: str) -> list[str]:
    """Names of sources that begin so, for the shell."""
    from fleet_assets.contracts import registry

    return [name for name in registry().importable() if name.startswith(incomplete)]
