"""The model of thefts: what it learns, how its numbers add up, how well it does, when it has to be learnt anew.

Belongs here: pure functions of labelled candidates and of candidates. Does not belong here: candidates and their
features (`core.theft`), where models are kept and which of them is promoted (`pipeline`).
"""
