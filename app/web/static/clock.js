// Wall-clock time of a second of a recording, by the clocks of the law's zone, whatever the
// reader's machine is set to.

const two = (number) => String(number).padStart(2, "0");

export class Clock {
  /** `start` is an ISO instant, `zoneSeconds` how far the law's clocks are ahead of UTC then. */
  constructor(start, zoneSeconds) {
    this.startMs = Date.parse(start) + zoneSeconds * 1000;
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

  #wall(seconds) {
    return new Date(this.startMs + seconds * 1000);
  }

  /** Time since the start of the recording. */
  static length(seconds) {
    const whole = Math.floor(seconds);
    const rest = [Math.floor(whole / 60) % 60, whole % 60].map(two).join(":");
    return `+${Math.floor(whole / 3600)}:${rest}`;
  }
}
