"""Body cameras: from the docking station to the second that a complaint asks for.

The dock protocol (``wire``), the dock agent (``field``), the stores, the recordings with their
index, playback, and complaints. What a device is, and who held it when, is the business of
``devices``.
"""
