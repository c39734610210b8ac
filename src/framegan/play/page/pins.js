// Pinned samples, and the walk from each to the next.

const PER_SECOND = 0.4; // pins that a walk passes

export class Pins {
  // changed(): told that what is shown has changed; go(point): told that a pinned sample is asked for.
  constructor(changed, go) {
    this.changed = changed;
    this.go = go;
    this.points = [];
    this.most = 0; // that the server takes
    this.place = null; // on the walk; null = the sample itself is shown
    this.isWalking = false;
    this.list = document.getElementById("pins");
    this.slider = document.getElementById("place");
    this.button = document.getElementById("walk");
    this.pin = document.getElementById("pin");
    this.way = document.getElementById("interpolation");
    this.slider.oninput = () => {
      this.walk(false);
      this.place = this.slider.valueAsNumber;
      changed();
    };
    this.button.onclick = () => this.walk(!this.isWalking);
    this.way.onchange = () => changed();
  }

  // images: what is shown right now, of which the first becomes its thumbnail.
  add(point, images) {
    const canvas = Object.assign(document.createElement("canvas"), { width: images[0].width, height: images[0].height });
    canvas.getContext("2d").putImageData(images[0], 0, 0);
    const go = Object.assign(document.createElement("button"), { type: "button", className: "go", title: "back to it" });
    const remove = Object.assign(document.createElement("button"), { type: "button", className: "remove", textContent: "\u00d7" });
    go.setAttribute("aria-label", "Back to this pinned sample");
    remove.setAttribute("aria-label", "Remove this pinned sample");
    const item = document.createElement("li");
    go.append(canvas);
    item.append(go, remove);
    this.points.push(point);
    this.list.append(item);
    go.onclick = () => this.go(point);
    remove.onclick = () => {
      this.points.splice(this.points.indexOf(point), 1);
      item.remove();
      this.leave();
      this.arrange();
      this.changed();
    };
    this.arrange();
  }

  arrange() {
    const isWay = this.points.length > 1;
    this.slider.max = Math.max(1, this.points.length - 1);
    this.slider.disabled = this.button.disabled = !isWay;
    document.querySelectorAll("[data-walk]").forEach((button) => (button.disabled = !isWay));
  }

  // Let what is shown be pinned, or say why it can't be.
  allow(isDrifting) {
    const reason =
      this.place !== null ? "what lies between pinned samples can't be pinned: choose a seed first"
      : isDrifting ? "a clip that drifts has left its sample: set drift to 0 first"
      : this.points.length >= this.most ? `no more than ${this.most} can be pinned: remove one first`
      : "";
    this.pin.disabled = reason !== "";
    this.pin.title = reason || "P";
  }

  // Show the sample itself again.
  leave() {
    this.walk(false);
    this.place = null;
  }

  walk(isWalking) {
    if (isWalking === this.isWalking) return;
    this.isWalking = isWalking;
    this.button.setAttribute("aria-pressed", isWalking);
    if (isWalking) this.step(performance.now(), 1);
  }

  step(before, direction) {
    requestAnimationFrame((now) => {
      if (!this.isWalking) return;
      const last = this.points.length - 1;
      let place = (this.place ?? 0) + (direction * PER_SECOND * (now - before)) / 1000;
      if (place <= 0 || place >= last) {
        direction = place <= 0 ? 1 : -1;
        place = Math.min(last, Math.max(0, place));
      }
      this.place = this.slider.value = place;
      this.place = place;
      this.changed();
      this.step(now, direction);
    });
  }

  // What the server is told.
  said() {
    const isWay = this.place !== null && this.points.length > 1;
    return { pins: this.points, place: isWay ? this.place : null, interpolation: this.way.value };
  }
}
