"""Shapes of the exchange's own API, a file for each use."""
