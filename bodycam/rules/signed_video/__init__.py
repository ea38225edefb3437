"""Video that its camera has signed frame by frame: Axis Signed Video and ONVIF Media Signing.

``nal`` reads units of H.264 and H.265, ``claims`` what a signing SEI says, ``trust`` whose key it
is, ``judge`` compares the two frame by frame, ``findings`` is what comes out. Own code, because no
package does it (decision 0006); pure, so that the server and the stand-alone verifier are one.
"""
