"""Devices: inventory, enrolment, shifts, and the journal of issue and return."""
