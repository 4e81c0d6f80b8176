"""What the commands of `fleet` do beyond one call: progress, summaries, wording. Imported by `cli` when asked for."""
