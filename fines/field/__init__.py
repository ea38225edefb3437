"""The terminal agent: owns the lines to the card terminal and the printer, beside the tablet."""
