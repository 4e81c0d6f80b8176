"""Proofs: the claims of the platform, tried at random and counted. `make prove` runs them at full strength.

Belongs here: one module a claim with `TITLE` and `prove(strength, say)`, and what they share. The suite runs the same
functions at `QUICK` (test_proofs.py). Does not belong here: tests of single behaviours.
"""
