"""Decisions on offences, fines and payments: pure, dated, without clock or database."""
