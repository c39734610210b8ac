// The page: from the controls to what is asked of the server, and from what comes back to the picture.

import { Connection } from "./connection.js";
import { Controls } from "./controls.js";
import { Picture } from "./picture.js";
import { Pins } from "./pins.js";

const AHEAD = 0.12; // seconds of an endless clip that may wait here; what a slider does is seen that much later
const of = (name) => document.getElementById(name);

let number = 0; // of the last request
let begin = 0; // number of the request that has begun the endless clip
let isNew = true; // the next request begins one
let motion = ""; // what the motion of the endless clip began with
let made = 0; // frames a second, as the server measures
let isAsked = false;
let isRefused = false; // the last that was asked for
let about = { version: null, players: [] };

const picture = new Picture(of("figures"), (frames) => connection.send({ kind: "drawn", frames }));
const controls = new Controls((what) => {
  if (what === "sample") pins.leave();
  picture.speed = controls.speed;
  if (what !== "speed" || picture.isEndless) ask();
});
const pins = new Pins(ask, (point) => {
  pins.leave();
  controls.setMoves(point.moves);
  controls.setSeeds(point.seeds);
});
const connection = new Connection({
  about(said) {
    const isNews = said.version !== about.version;
    about = said;
    if (!isNews) return tell(said.trouble, true);
    const [player] = said.players;
    document.title = `${player.name} \u2013 framegan play`;
    picture.arrange(said.players);
    controls.arrange(said.players, said.ends, kept());
    picture.speed = controls.speed;
    of("stream").disabled = !player.makes_clips || said.ends !== "";
    of("stream").title = player.makes_clips && said.ends ? `no endless clip: ${said.ends}` : "S";
    of("transport").hidden = !player.makes_clips;
    for (const button of of("downloads").querySelectorAll("[data-format]")) {
      button.disabled = !player.makes_clips && button.dataset.format !== "png";
    }
    pins.most = said.most_pins;
    pins.arrange();
    tell(said.trouble, true);
    if (!said.trouble && player.makes_clips && said.ends) tell(`No endless clip: ${said.ends}.`);
    ask();
  },
  refused(said) {
    isRefused = true;
    tell(said.message, true);
  },
  frames(header, clips) {
    if (isRefused) tell(about.trouble, true);
    isRefused = false;
    const isWanted = header.kind === "stream" && picture.isEndless && header.number >= begin;
    if (isWanted) {
      picture.push(header, clips);
    } else {
      connection.send({ kind: "drawn", frames: header.frames * (header.kind === "stream") || 1 });
      if (header.kind === "show" && !picture.isEndless) picture.show(header, clips);
    }
    const now = header.frames / header.seconds;
    made = made ? 0.9 * made + 0.1 * now : now;
    document.body.dataset.shown = header.number;
  },
  state(isOpen) {
    if (!isOpen) {
      about.version = null; // so that all is asked for again
      picture.drop();
      isNew = true;
    }
    tell(isOpen ? "" : "The connection is lost: framegan play has ended, or comes back.", !isOpen);
  },
});

function wanted() {
  const { category, truncation, num_frames } = controls;
  return { point: controls.point(), category, truncation, num_frames, ...pins.said() };
}

// Ask for what is chosen now, once for all that changes before the next frame.
function ask() {
  pins.allow(picture.isEndless && controls.drift > 0);
  if (isAsked || !about.players.length) return;
  isAsked = true;
  requestAnimationFrame(() => {
    isAsked = false;
    number += 1;
    if (!picture.isEndless) {
      connection.send({ kind: "show", number, wanted: wanted() });
    } else {
      const seed = `${controls.seeds.motion}`;
      if (isNew || seed !== motion) {
        begin = number;
        motion = seed;
        isNew = false;
        dropped();
      }
      const ahead = Math.min(64, Math.max(3, Math.ceil(AHEAD * controls.speed)));
      const { num_frames, ...rest } = wanted();
      connection.send({ kind: "stream", number, wanted: rest, drift: controls.drift, ahead, begin });
    }
    keep();
  });
}

function dropped() {
  const frames = picture.drop();
  if (frames) connection.send({ kind: "drawn", frames });
}

function setEndless(isEndless) {
  if (of("stream").disabled) return;
  dropped();
  picture.isEndless = isEndless;
  controls.setEndless(isEndless);
  isNew = true;
  made = 0;
  of("stream").setAttribute("aria-pressed", isEndless);
  setPaused(false);
  ask();
}

function setPaused(isPaused) {
  picture.isPaused = isPaused;
  of("pause").setAttribute("aria-pressed", isPaused);
}

function tell(text, isTrouble = false) {
  of("status").textContent = text;
  of("status").classList.toggle("trouble", isTrouble);
}

// What was chosen is kept in the address, so that loading the page again, or a bookmark, leads back to it.
function keep() {
  const { seeds, moves, category, truncation, num_frames, speed } = controls;
  const text = JSON.stringify({ seeds, moves, category, truncation, num_frames, speed });
  clearTimeout(keep.waiting);
  keep.waiting = setTimeout(() => history.replaceState(null, "", `#${encodeURIComponent(text)}`), 300);
}

function kept() {
  try {
    return JSON.parse(decodeURIComponent(location.hash.slice(1))) ?? {};
  } catch {
    return {};
  }
}

async function download(button) {
  const { format, walk } = button.dataset;
  const rate = about.players[0].makes_clips || !walk ? controls.speed : 24;
  const file = { wanted: wanted(), format, frames_per_second: rate, whole_walk: Boolean(walk) };
  button.disabled = true;
  tell("Making the file\u2026");
  try {
    const answer = await fetch("file", { method: "POST", body: JSON.stringify(file) });
    if (!answer.ok) throw new Error(await answer.text());
    const address = URL.createObjectURL(await answer.blob());
    const seed = Object.values(controls.seeds).at(-1);
    const link = Object.assign(document.createElement("a"), { href: address });
    const name = walk ? "walk" : file.wanted.place === null ? `seed_${String(seed).padStart(6, "0")}` : "between";
    link.download = `${name}.${format}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
    tell(about.trouble, true);
  } catch (error) {
    tell(error.message, true);
  } finally {
    button.disabled = false;
  }
}

const keys = {
  ArrowLeft: () => controls.shift(-1),
  ArrowRight: () => controls.shift(1),
  " ": () => setPaused(!picture.isPaused),
  0: () => controls.reset(),
  p: () => of("pin").click(),
  r: () => controls.renew(),
  s: () => of("stream").click(),
};

// Say whether a key does something where the focus is.
function isTyped({ key, target }) {
  if (target.closest("select")) return true;
  if (target.closest("input[type=number]")) return /^(\d|Arrow.*)$/.test(key);
  if (target.closest("input[type=range]")) return key.startsWith("Arrow");
  return key === " " && target.closest("button, summary") !== null;
}

document.addEventListener("keydown", (event) => {
  const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || isTyped(event) || event.ctrlKey || event.metaKey || event.altKey || !about.players.length) return;
  event.preventDefault();
  act();
});
of("panel").onsubmit = (event) => event.preventDefault();
of("previous").onclick = () => controls.shift(-1);
of("next").onclick = () => controls.shift(1);
of("random").onclick = () => controls.renew();
of("pause").onclick = () => setPaused(!picture.isPaused);
of("stream").onclick = () => setEndless(!picture.isEndless);
of("pin").onclick = () => {
  if (!picture.now) return;
  pins.add(controls.point(), picture.now);
  ask();
};
document.querySelectorAll("[data-format]").forEach((button) => (button.onclick = () => download(button)));

setInterval(() => {
  const shown = picture.isPaused ? 0 : picture.rate();
  const possible = picture.isEndless && made ? `, ${Math.round(made).toLocaleString("en")} possible` : "";
  of("rate").textContent = shown ? `${shown.toFixed(1)} frames/s${possible}` : picture.isPaused ? "paused" : "";
  document.body.dataset.rate = shown;
}, 250);
