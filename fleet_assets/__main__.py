"""Where the program `fleet` begins, also as `python -m fleet_assets`."""

from __future__ import annotations

import gc

OBJECTS = 100_000
"""New objects still in use after which garbage is looked for."""


def main() -> None:
    """Load the command line and run it."""
    # Commands load what they need when they are called, and nothing of that is garbage: to look for it there after
    # every seven hundred objects is a tenth of a short run.
    gc.set_threshold(OBJECTS)
    from fleet_assets.cli import main as run

    run()


if __name__ == "__main__":
    main()
