// Where the video's bytes come from: the browser's own HLS, or hls.js where it has none.

const HLS = "application/vnd.apple.mpegurl";

/** Whether the browser plays HLS by itself. */
export function isNative(video) {
  return Boolean(video.canPlayType(HLS));
}

function addressOf(video) {
  return new URL(video.getAttribute("src").split("#")[0], document.baseURI).href;
}

/** A video fed by hls.js. `open` answers null where the browser cannot be fed either. */
export class Fed {
  #hls;
  #video;
  #address;

  static async open(video, { startSeconds, failed }) {
    const module = video.dataset.fallback;
    if (!module) return null;
    let Hls;
    try {
      ({ default: Hls } = await import(module));
    } catch {
      return null; // the server has it no more, or the line broke
    }
    if (!Hls.isSupported()) return null;
    const fed = new Fed();
    fed.#video = video;
    fed.#address = addressOf(video);
    // The page's policy allows no worker made of text; a fragment takes few milliseconds anyway.
    fed.#hls = new Hls({
      enableWorker: false, maxBufferLength: 10, startFragPrefetch: true, startPosition: startSeconds,
    });
    fed.#hls.on(Hls.Events.ERROR, (_name, data) => {
      if (data.fatal) failed();
    });
    video.removeAttribute("src");
    fed.load();
    return fed;
  }

  /** Load the playlist, or load it anew. */
  load() {
    this.#hls.detachMedia();
    this.#hls.attachMedia(this.#video);
    this.#hls.loadSource(this.#address);
  }
}
