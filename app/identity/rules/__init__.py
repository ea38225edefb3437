"""Decisions of identity: signatures, certificates, challenges, sessions, names."""
