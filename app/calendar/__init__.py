"""Working days of the law: dated public holidays, moved days, and how a term is counted."""
