// The WebSocket to the server: texts are told apart by their kind, and what is binary are frames.

const LONGEST_WAIT = 8000; // milliseconds from one attempt to connect to the next

export class Connection {
  // heard: functions by kind: about, refused, frames(header, clips), and state(isOpen).
  constructor(heard) {
    this.heard = heard;
    this.wait = 500;
    this.open();
  }

  open() {
    const address = new URL("socket", location.href);
    address.protocol = "ws:";
    address.hash = "";
    this.socket = new WebSocket(address);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => {
      this.wait = 500;
      this.heard.state(true);
    };
    this.socket.onmessage = (event) => this.take(event.data);
    this.socket.onclose = () => {
      this.heard.state(false);
      setTimeout(() => this.open(), this.wait);
      this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
    };
  }

  take(data) {
    if (typeof data === "string") {
      const said = JSON.parse(data);
      this.heard[said.kind]?.(said);
      return;
    }
    const length = new DataView(data).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    const size = header.frames * header.height * header.width * header.channels;
    const clips = [];
    for (let place = 0; place < header.generators; place++) {
      clips.push(new Uint8Array(data, 4 + length + place * size, size));
    }
    this.heard.frames(header, clips);
  }

  // Say whether it was sent; what can't be is left out, as the page says everything again when it is connected.
  send(message) {
    const isOpen = this.socket.readyState === WebSocket.OPEN;
    if (isOpen) this.socket.send(JSON.stringify(message));
    return isOpen;
  }
}
