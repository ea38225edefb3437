"""The exchange: every question to a register of another body, and the roadside check."""
