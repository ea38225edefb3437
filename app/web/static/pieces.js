// A recording of which something is lost plays without the gap, so the player's seconds fall
// behind the clock's. The page says where: the server has read it from the playlist.

// Chromium fails to decode when it is sent to the very instant of a break.
const PAST_THE_BREAK_SECONDS = 0.2;

/** The pieces of a recording: from which second of the player, which second by the clock. */
export class Pieces {
  /** `pairs` are seconds of the player and by the clock, in the order of time. */
  constructor(pairs) {
    this.pieces = pairs.map(([played, clock]) => ({ played, clock }));
  }

  /** Seconds by the clock, since the start, at this second of the player. */
  clockOf(played) {
    const piece = this.pieces.findLast((one) => one.played <= played) ?? this.pieces[0];
    return piece.clock + played - piece.played;
  }

  /** The second of the player that shows this second by the clock, or the first after a gap. */
  playedOf(clock) {
    const at = this.pieces.findLastIndex((one) => one.clock <= clock);
    if (at < 0) return 0;
    const played = this.pieces[at].played + clock - this.pieces[at].clock;
    const next = this.pieces[at + 1];
    return next && played >= next.played ? next.played + PAST_THE_BREAK_SECONDS : played;
  }
}
