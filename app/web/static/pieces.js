// A recording of which something is lost plays without the gap, so the player's seconds fall
// behind the clock's. The playlist says where: each break has an instant of its own.

// Chromium fails to decode when it is sent to the very instant of a break.
const PAST_THE_BREAK_SECONDS = 0.2;

/** The pieces of a recording: from which second of the player, which second by the clock. */
export class Pieces {
  constructor(pieces = [{ played: 0, clock: 0 }]) {
    this.pieces = pieces;
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

/** Read the pieces from a playlist; `startMs` is the start of the recording. */
export function piecesOf(playlist, startMs) {
  const pieces = [];
  let played = 0;
  let broken = true;
  for (const line of playlist.split("\n")) {
    const [name, value] = line.split(/:(.*)/s);
    if (name === "#EXTINF") {
      played += Number.parseFloat(value);
    } else if (name === "#EXT-X-DISCONTINUITY") {
      broken = true;
    } else if (name === "#EXT-X-PROGRAM-DATE-TIME" && broken) {
      pieces.push({ played, clock: (Date.parse(value) - startMs) / 1000 });
      broken = false;
    }
  }
  return new Pieces(pieces.length ? pieces : undefined);
}
