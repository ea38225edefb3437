"""Decisions about recordings: no clock, no session, no disk.

``life_cycle`` the steps of a recording and of a complaint, ``boxes`` the MP4 box index,
``playlist`` HLS, ``ranges`` HTTP ranges, ``places`` where and how far, ``signing`` who said what.
"""
