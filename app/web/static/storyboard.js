// Small pictures over the strip: which sheet and which place on it belong to a second.

const CUE = /^(\d+):(\d\d):(\d\d)\.(\d{3}) --> (\d+):(\d\d):(\d\d)\.(\d{3})$/;
const PLACE = /^(.*)#xywh=(\d+),(\d+),(\d+),(\d+)$/;

/** The small pictures of a recording; `address` is that of the storyboard. */
export class Storyboard {
  #address;
  #cues = null;
  #asked = null;

  constructor(address) {
    this.#address = address;
  }

  /** Show in `box` the picture of a second, or nothing while there is none. */
  show(box, seconds) {
    this.#asking();
    this.#draw(box, seconds);
  }

  /** The same, once it is known. */
  async shown(box, seconds) {
    await this.#asking();
    this.#draw(box, seconds);
  }

  #draw(box, seconds) {
    const cue = this.#cues?.findLast((one) => one.begins <= seconds);
    box.hidden = !cue;
    if (!cue) return;
    // Styles set by a script are no inline styles: the policy of the page allows them.
    box.style.width = `${cue.width}px`;
    box.style.height = `${cue.height}px`;
    box.style.backgroundImage = `url("${cue.sheet}")`;
    box.style.backgroundPosition = `-${cue.left}px -${cue.top}px`;
  }

  #asking() {
    this.#asked ??= this.#ask();
    return this.#asked;
  }

  async #ask() {
    const answer = await fetch(this.#address);
    if (answer.ok) this.#cues = cuesOf(await answer.text(), answer.url);
  }
}

/** Those of recordings in a row: `parts` are begin and end on the time line, and an address. */
export class Storyboards {
  #parts;

  constructor(parts) {
    this.#parts = parts.map(([begins, ends, address]) => ({ begins, ends, board: new Storyboard(address) }));
  }

  /** Show in `box` the picture of a second of the time line, or nothing. */
  show(box, seconds) {
    const part = this.#at(seconds);
    if (part) part.board.show(box, seconds - part.begins);
    else box.hidden = true;
  }

  /** The same, once it is known. */
  async shown(box, seconds) {
    const part = this.#at(seconds);
    if (part) await part.board.shown(box, seconds - part.begins);
    else box.hidden = true;
  }

  #at(seconds) {
    return this.#parts.findLast((one) => one.begins <= seconds && seconds < one.ends);
  }
}

/** Read the cues of a WebVTT storyboard in the order of time. */
export function cuesOf(text, address) {
  const lines = text.split("\n");
  const cues = [];
  for (const [number, line] of lines.entries()) {
    const when = CUE.exec(line);
    const where = when && PLACE.exec(lines[number + 1] ?? "");
    if (!where) continue;
    const [hours, minutes, seconds, milliseconds] = when.slice(1, 5).map(Number);
    const [left, top, width, height] = where.slice(2).map(Number);
    cues.push({
      begins: hours * 3600 + minutes * 60 + seconds + milliseconds / 1000,
      sheet: new URL(where[1], address).href, left, top, width, height,
    });
  }
  return cues.sort((one, other) => one.begins - other.begins);
}
