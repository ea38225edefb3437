"""The dock agent: takes recordings off cameras and wipes a camera only against a receipt.

It runs beside the docking station and knows the server through ``bodycam.wire`` alone.
``bay`` reads and wipes a camera, ``journal`` remembers across power cuts, ``server`` speaks the
protocol, ``agent`` does the work.

    python -m bodycam.field --server https://… --credential-file F --bays DIR --journal FILE
"""
