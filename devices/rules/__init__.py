"""Decisions on devices: pure functions over given facts, without clock or database."""
