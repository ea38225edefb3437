"""Statements of the exchange, built once, a file for each use."""
