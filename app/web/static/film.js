// The strip of pictures of a recording that is still arriving: there is nothing to play yet.

import { Storyboards } from "./storyboard.js";

const film = document.querySelector("#film");
const storyboards = new Storyboards(JSON.parse(film.dataset.storyboards));
for (const box of film.querySelectorAll("figure")) {
  storyboards.shown(box.querySelector(".picture"), Number(box.dataset.at));
}
