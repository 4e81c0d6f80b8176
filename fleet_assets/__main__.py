"""`python -m fleet_assets` is `fleet`."""

from fleet_assets.cli import main

main()
