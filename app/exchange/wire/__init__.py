"""The public protocol between the exchange and a register. A leaf."""
