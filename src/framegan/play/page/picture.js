// The canvases: a clip that plays over and over, or the frames of an endless one as they come.

const WINDOW = 2000; // milliseconds over which the rate is measured
const LATE = 100; // milliseconds behind which time that is lost isn't caught up with

export class Picture {
  // figures: the element they are put into; drawn(frames): told of each frame of an endless clip that is drawn.
  constructor(figures, drawn) {
    this.figures = figures;
    this.drawn = drawn;
    this.canvases = [];
    this.captions = [];
    this.frames = []; // of the clip, an array of images for each frame
    this.queue = []; // of the endless clip
    this.isEndless = false;
    this.isPaused = false;
    this.speed = 8;
    this.place = 0;
    this.due = 0;
    this.moments = []; // at which frames were drawn
    requestAnimationFrame((now) => this.tick(now));
  }

  // Make a figure for each generator.
  arrange(players) {
    if (this.canvases.length !== players.length) {
      this.figures.replaceChildren();
      this.canvases = players.map(() => document.createElement("canvas"));
      this.captions = players.map(() => [document.createElement("strong"), document.createElement("span")]);
      this.canvases.forEach((canvas, place) => {
        const figure = document.createElement("figure");
        const caption = document.createElement("figcaption");
        caption.append(...this.captions[place]);
        figure.append(canvas, caption);
        this.figures.append(figure);
      });
    }
    players.forEach((player, place) => {
      const [height, width] = player.shape.slice(-2);
      const canvas = this.canvases[place];
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      canvas.parentElement.style.setProperty("--aspect", width / height);
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `What ${player.name} makes`);
      this.captions[place][0].textContent = player.name;
      const seen = player.samples_seen.toLocaleString("en");
      this.captions[place][1].textContent = `${player.checkpoint} after ${seen} samples`;
    });
  }

  show(header, clips) {
    this.frames = imagesOf(header, clips);
    this.place %= this.frames.length;
    this.draw(this.frames[this.place]);
  }

  push(header, clips) {
    this.queue.push(...imagesOf(header, clips));
  }

  // Forget what is waiting; say how many frames that was.
  drop() {
    return this.queue.splice(0).length;
  }

  draw(images) {
    this.now = images;
    images.forEach((image, place) => this.canvases[place]?.getContext("2d").putImageData(image, 0, 0));
  }

  tick(now) {
    requestAnimationFrame((next) => this.tick(next));
    if (this.isPaused || now < this.due) return;
    if (this.isEndless) {
      const images = this.queue.shift();
      if (!images) return;
      this.draw(images);
      this.drawn(1);
    } else if (this.frames.length > 1) {
      this.place = (this.place + 1) % this.frames.length;
      this.draw(this.frames[this.place]);
    } else {
      return;
    }
    const step = 1000 / this.speed;
    this.due = now - this.due > LATE ? now + step : this.due + step;
    this.moments.push(now);
  }

  // Return how many frames a second have been drawn of late.
  rate() {
    const now = performance.now();
    this.moments = this.moments.filter((moment) => now - moment < WINDOW);
    const [first] = this.moments;
    const last = this.moments.at(-1);
    return this.moments.length > 1 ? (1000 * (this.moments.length - 1)) / (last - first) : 0;
  }
}

function imagesOf(header, clips) {
  const { frames, height, width, channels } = header;
  const size = height * width;
  return Array.from({ length: frames }, (_, frame) =>
    clips.map((pixels) => {
      const image = new ImageData(width, height);
      const begin = frame * size * channels;
      for (let pixel = 0; pixel < size; pixel++) {
        for (let channel = 0; channel < 3; channel++) {
          image.data[4 * pixel + channel] = pixels[begin + pixel * channels + (channels === 1 ? 0 : channel)];
        }
        image.data[4 * pixel + 3] = 255;
      }
      return image;
    }),
  );
}
