"""The migrations themselves; each says what it follows."""
