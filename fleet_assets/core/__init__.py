"""The pure core: frames in, frames out.

Belongs here: one module per concept (cleaning, trips, standing, stops, decoding), rules beside the function they steer.
Does not belong here: clocks, environment variables, paths, random seeds, and anything that reads or writes.
"""
