"""Where the program `fleet` begins, also as `python -m fleet_assets`."""

from __future__ import annotations

import gc


def main() -> None:
    """Load the command line and run it."""
    # Nothing that loading makes is garbage: to look for it there is a tenth of a short run.
    gc.disable()
    from fleet_assets.cli import main as run

    gc.freeze()
    gc.enable()
    run()


if __name__ == "__main__":
    main()
