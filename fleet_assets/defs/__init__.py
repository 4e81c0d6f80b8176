"""What Dagster loads: assets, checks, sensors. See definitions.py."""

import warnings

import dagster as dg

# Data versions of outputs are marked beta, partitions of checks a preview; the exact Dagster version is pinned, and
# tests cover what is used of them.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
