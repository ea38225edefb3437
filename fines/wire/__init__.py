"""The public protocol between the server and a terminal agent, and the ZVT codec. A leaf."""
