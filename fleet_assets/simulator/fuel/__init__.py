"""The tanks of a fleet that does not exist: what is burned, filled, stolen and lost, and how senders report it.

Belongs here: the physics of tanks and the behaviour of their senders. Does not belong here: CAN frames (the modules
beside this folder), and anything that finds refuels or thefts: no code is shared with detectors.
"""
