"""Fines: catalogue, offence record, reduced proceedings, payment by card, slips and receipts."""
