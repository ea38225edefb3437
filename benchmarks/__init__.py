"""Measurements of speed and memory, each beside a peer or a limit measured in the same run."""
