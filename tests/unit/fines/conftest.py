"""What is collected here depends on a program that only some machines have."""

import shutil

# Wireshark's dissector is somebody else's reader of our bytes; without it there is no such test.
collect_ignore = [] if shutil.which("tshark") else ["test_foreign_dissector.py"]
