"""The card slot of the simulated terminal."""

import threading

from sim.district import Card


class Slot:
    """The card slot. Its owner takes a card out when the sale that read it has ended."""

    def __init__(self) -> None:
        self._card: Card | None = None
        self._turn = 0
        self._lock = threading.Lock()

    @property
    def card(self) -> Card | None:
        """The card in the slot."""
        return self.look()[0]

    def look(self) -> tuple[Card | None, int]:
        """Return the card and which insertion it is."""
        with self._lock:
            return self._card, self._turn

    def put(self, card: Card | None) -> None:
        """Insert a card, or take it out."""
        with self._lock:
            self._card = card
            self._turn += 1

    def take_out(self, turn: int) -> None:
        """Take out the card of that insertion; one put in since then stays."""
        with self._lock:
            if self._turn == turn:
                self._card = None
