"""Random histories of arrivals: what vehicles said, how it arrives, and what is built in between.

Belongs here: the data, the order, the builds, the comparison. Does not belong here: the claims (`any_order`).
"""
