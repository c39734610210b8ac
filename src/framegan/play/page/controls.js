// The controls, made of what the server says there is. Every text is put in as text.

const LARGEST_SEED = 2 ** 31;
const NEW_SEEDS = 1_000_000; // few enough to read one out
const REACH = 3; // standard deviations that a slider goes to either side
const FASTEST = 60; // frames a second, unless the data are faster

export class Controls {
  // changed(what): told that the "sample" has changed, its "options" or "drift", or the "speed".
  constructor(changed) {
    this.changed = changed;
    this.seeds = {};
    this.moves = {};
    this.category = null;
    this.truncation = null;
    this.num_frames = null;
    this.speed = 8;
    this.drift = 0;
    this.isEndless = false;
    this.shape = "";
    document.getElementById("class").onchange = (event) => {
      this.category = event.target.value === "" ? null : Number(event.target.value);
      changed("options");
    };
  }

  // Make what isn't made yet for generators like these; kept: what was chosen before the page was loaded again.
  arrange(players, ends, kept = {}) {
    const [player] = players;
    const shape = JSON.stringify([player.shape, player.classes, player.parts, player.takes_truncation]);
    if (shape === this.shape) return;
    this.shape = shape;
    this.speed = number(kept.speed, player.frames_per_second);
    this.num_frames = kept.num_frames ?? null;
    this.truncation = kept.truncation ?? null;
    this.category = kept.category ?? null;
    this.arrangeSeeds(player.parts, kept);
    this.arrangeClasses(player.classes);
    this.arrangeOptions(player, ends);
    this.setEndless(this.isEndless);
    this.arrangeDirections(player.parts, kept);
  }

  arrangeSeeds(parts, kept) {
    const rows = document.getElementById("seeds");
    rows.replaceChildren();
    this.fields = {};
    for (const { name } of parts) {
      this.seeds[name] = number(kept.seeds?.[name], 0);
      const field = element("input", { type: "number", min: 0, max: LARGEST_SEED - 1, step: 1, value: this.seeds[name] });
      field.oninput = () => {
        if (field.value === "" || !field.checkValidity()) return;
        this.seeds[name] = field.valueAsNumber;
        this.changed("sample");
      };
      this.fields[name] = field;
      const row = element("label", { className: "row" });
      row.append(element("span", { textContent: parts.length > 1 ? `${name} seed` : "seed" }), field);
      if (parts.length > 1) {
        const button = element("button", { type: "button", textContent: "New", title: `another seed of ${name} alone` });
        button.onclick = () => this.setSeeds({ ...this.seeds, [name]: random() });
        row.append(button);
      }
      rows.append(row);
    }
  }

  arrangeClasses(names) {
    const select = document.getElementById("class");
    select.replaceChildren(new Option("of the seed", ""), ...names.map((name, place) => new Option(name, place)));
    select.value = this.category ?? "";
    document.getElementById("class_row").hidden = names.length === 0;
  }

  arrangeOptions(player, ends) {
    const rows = document.getElementById("options");
    rows.replaceChildren();
    if (player.takes_truncation) {
      rows.append(pair("truncation", 0, 1.5, 0.01, this.truncation ?? 1, (value) => {
        this.truncation = value === 1 ? null : value;
        this.changed("options");
      }));
    }
    if (player.makes_clips) {
      const trained = player.shape[1];
      const most = Math.min(player.most_frames, Math.max(64, 8 * trained));
      rows.append(pair("frames", player.least_frames, most, 1, this.num_frames ?? trained, (value) => {
        this.num_frames = value === trained ? null : value;
        document.getElementById("longer").textContent =
          value > trained ? `${trained} frames were trained. Of longer clips: ${player.longer_clips}` : "";
        this.changed("options");
      }));
    }
    if (player.makes_clips) {
      const [least, step] = this.speed < 1 ? [0.01, 0.01] : [1, 0.5];
      rows.append(pair("speed", least, Math.max(FASTEST, Math.ceil(this.speed)), step, this.speed, (value) => {
        this.speed = value;
        this.changed("speed");
      }, "frames a second"));
    }
    if (player.continues && !ends) {
      rows.append(pair("drift", 0, 0.5, 0.01, this.drift, (value) => {
        this.drift = value;
        this.changed("drift");
      }, "of an endless clip: how far its content moves to another one with each frame"));
    }
  }

  // Let only those be set that matter: the length of a clip, or the drift of one without an end.
  setEndless(isEndless) {
    this.isEndless = isEndless;
    for (const [name, isOff] of [["frames", isEndless], ["drift", !isEndless]]) {
      document.querySelectorAll(`[data-option=${name}] input`).forEach((input) => (input.disabled = isOff));
    }
  }

  arrangeDirections(parts, kept) {
    const place = document.getElementById("directions");
    place.replaceChildren();
    this.sliders = [];
    for (const { name, source, directions } of parts) {
      this.moves[name] = Array.from({ length: directions }, (_, at) => number(kept.moves?.[name]?.[at], 0));
      if (!directions) continue;
      const fields = element("fieldset");
      const reset = element("button", { type: "button", className: "reset", textContent: "Reset", title: "0" });
      reset.onclick = () => this.reset([name]);
      fields.append(element("legend", { textContent: parts.length > 1 ? `directions of ${name}` : "directions" }), reset);
      this.moves[name].forEach((value, at) => fields.append(this.direction(name, at, value)));
      fields.append(element("p", { className: "hint", textContent: `${source}; in standard deviations` }));
      place.append(fields);
    }
  }

  direction(part, at, value) {
    const slider = element("input", { type: "range", min: -REACH, max: REACH, step: 0.05, value });
    slider.setAttribute("aria-label", `${part} ${at + 1}`);
    const said = element("output");
    const say = () => (said.textContent = slider.valueAsNumber.toFixed(2).replace("-", "\u2212"));
    slider.oninput = () => {
      this.moves[part][at] = slider.valueAsNumber;
      say();
      this.changed("sample");
    };
    slider.ondblclick = () => {
      slider.value = 0;
      slider.oninput();
    };
    say();
    this.sliders.push({ part, at, slider, say });
    const row = element("label", { className: "slider direction" });
    row.append(element("span", { textContent: at + 1 }), slider, said);
    return row;
  }

  reset(parts = Object.keys(this.moves)) {
    this.setMoves(Object.fromEntries(parts.map((part) => [part, []])));
  }

  setMoves(moves) {
    for (const { part, at, slider, say } of this.sliders) {
      if (!(part in moves)) continue;
      this.moves[part][at] = moves[part][at] ?? 0;
      slider.value = this.moves[part][at];
      say();
    }
    this.changed("sample");
  }

  setSeeds(seeds) {
    for (const [part, seed] of Object.entries(seeds)) {
      this.seeds[part] = Math.max(0, seed) % LARGEST_SEED;
      this.fields[part].value = this.seeds[part];
    }
    this.changed("sample");
  }

  shift(by) {
    this.setSeeds(Object.fromEntries(Object.entries(this.seeds).map(([part, seed]) => [part, seed + by])));
  }

  renew() {
    const seed = random();
    this.setSeeds(Object.fromEntries(Object.keys(this.seeds).map((part) => [part, seed])));
  }

  point() {
    return structuredClone({ seeds: this.seeds, moves: this.moves });
  }
}

// Return a slider with a field for the number.
function pair(name, min, max, step, value, changed, title = "") {
  const slider = element("input", { type: "range", min, max, step, value, title });
  const field = element("input", { type: "number", min, max, step, value, title });
  slider.setAttribute("aria-label", name);
  field.setAttribute("aria-label", `${name}, a number`);
  slider.oninput = () => {
    field.value = slider.value;
    changed(slider.valueAsNumber);
  };
  field.oninput = () => {
    if (field.value === "" || !field.checkValidity()) return;
    slider.value = field.value;
    changed(field.valueAsNumber);
  };
  const row = element("div", { className: "slider" });
  row.dataset.option = name;
  row.append(element("span", { textContent: name, title }), slider, field);
  return row;
}

function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}

function random() {
  return Math.floor(Math.random() * NEW_SEEDS);
}

function number(value, otherwise) {
  return Number.isFinite(value) ? value : otherwise;
}
