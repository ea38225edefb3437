"""Decisions of the exchange: pure functions over given facts, without clock or network."""
