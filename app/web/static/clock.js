// Wall-clock time of a second of a recording, by the clocks of the law's zone, whatever the
// reader's machine is set to.

const two = (number) => String(number).padStart(2, "0");

export class Clock {
  /**
   * `start` is an ISO instant. `zones` are pairs of a second since then and how far the law's clocks
   * are ahead of UTC from there on: more than one where they were set while it was recorded.
   */
  constructor(start, zones) {
    this.startMs = Date.parse(start);
    this.zones = zones;
  }

  /** Hours, minutes and seconds of the day. */
  time(seconds) {
    const wall = this.#wall(seconds);
    return [wall.getUTCHours(), wall.getUTCMinutes(), wall.getUTCSeconds()].map(two).join(":");
  }

  /** The day, in digits. */
  day(seconds) {
    const wall = this.#wall(seconds);
    return [two(wall.getUTCDate()), two(wall.getUTCMonth() + 1), wall.getUTCFullYear()].join(".");
  }

  /** The second at which the clocks show this day (2026-11-22) and time (08:15:30), or null. */
  secondsOf(day, time) {
    const wallMs = Date.parse(`${day}T${time.length === 5 ? `${time}:00` : time}Z`);
    for (const [number, [from, ahead]] of this.zones.entries()) {
      const seconds = (wallMs - this.startMs) / 1000 - ahead;
      const until = this.zones[number + 1]?.[0] ?? Infinity;
      // Before the first second the first offset holds too.
      if (seconds < until && (number === 0 || seconds >= from)) return seconds;
    }
    return null;
  }

  #wall(seconds) {
    const [, ahead] = this.zones.findLast(([from]) => from <= seconds) ?? this.zones[0];
    return new Date(this.startMs + (seconds + ahead) * 1000);
  }

  /** Time since the start of the recording. */
  static length(seconds) {
    const whole = Math.floor(seconds);
    const rest = [Math.floor(whole / 60) % 60, whole % 60].map(two).join(":");
    return `+${Math.floor(whole / 3600)}:${rest}`;
  }
}
