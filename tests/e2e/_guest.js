// The part of a test that runs inside the page: joins a call through the page's own client and
// records what comes out of the browser's decoder. Evaluated in the page as `globalThis.guest`.
/** What is quieter is silence: far below any tone of a test, above a codec's noise. */
const AUDIBLE = 0.01;

globalThis.guest = {
  client: undefined,
  events: [],
  /** How much of what was heard is no silence. */
  audibleMs: 0,

  /** A track of sound that the page generates: past the microphone and its processing. */
  makeVoice() {
    if (this.context) return;
    this.context = new AudioContext({ sampleRate: 48000, latencyHint: 0 });
    this.destination = new MediaStreamAudioDestinationNode(this.context, { channelCount: 1 });
    const silence = new ConstantSourceNode(this.context, { offset: 0 });
    silence.connect(this.destination);
    silence.start();
    this.voice = this.destination.stream.getAudioTracks()[0];
  },

  /**
   * A picture of one colour, drawn again and again so that frames keep coming; a function may give
   * another colour each time.
   */
  makePicture(colour, width = 320, height = 240) {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const pen = canvas.getContext("2d");
    const draw = () => {
      pen.fillStyle = typeof colour === "function" ? colour() : colour;
      pen.fillRect(0, 0, width, height);
    };
    draw();
    setInterval(draw, 50);
    return canvas.captureStream(20).getVideoTracks()[0];
  },

  /**
   * A camera that is held at an angle: frames that say by how many degrees they are to be turned, red in
   * their left half and green in their right.
   */
  makeTurned(rotation, width = 320, height = 240) {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const pen = canvas.getContext("2d");
    pen.fillStyle = "rgb(200, 0, 0)";
    pen.fillRect(0, 0, width / 2, height);
    pen.fillStyle = "rgb(0, 200, 0)";
    pen.fillRect(width / 2, 0, width / 2, height);
    const track = new MediaStreamTrackGenerator({ kind: "video" });
    const writer = track.writable.getWriter();
    setInterval(() => {
      const timestamp = Math.round(performance.now() * 1000);
      writer.write(new VideoFrame(canvas, { timestamp, rotation })).catch(() => {});
    }, 50);
    return track;
  },

  /** Turns the camera on, held at this angle. */
  async turn(rotation) {
    await this.client.setCamera(this.makeTurned(rotation));
  },

  async join({ link, name, silent, camera }) {
    const { RinglineClient } = await import("/client.js");
    this.makeVoice();
    this.client = new RinglineClient({ link });
    for (const type of ["state", "event", "ended", "participants", "videos"]) {
      this.client.addEventListener(type, ({ detail }) => {
        this.events.push({ type, ...this.plain(type, detail) });
      });
    }
    await this.client.join({
      name,
      microphone: silent ? null : this.voice,
      camera: camera ? this.makePicture(camera) : null,
    });
    // Before the test can go on: a greeting begins immediately.
    void this.listen();
    return this.client.id;
  },

  /** Shares a picture of one colour as the screen; one that is shared already becomes this one. */
  async share(colour) {
    const isShared = this.screenColour !== undefined;
    this.screenColour = colour;
    if (isShared) return;
    await this.client.setScreen(this.makePicture(() => this.screenColour, 640, 480));
  },

  /** Shares a picture with a sound of its own, which the voice has no part in. */
  async shareTone(colour, hz) {
    const sound = new MediaStreamAudioDestinationNode(this.context, { channelCount: 1 });
    const film = new OscillatorNode(this.context, { frequency: hz });
    film.connect(new GainNode(this.context, { gain: 0.3 })).connect(sound);
    film.start();
    const tracks = [this.makePicture(colour, 640, 480), ...sound.stream.getAudioTracks()];
    await this.client.setScreen(new MediaStream(tracks));
  },

  /** What of an event survives the way to the test. */
  plain(type, detail) {
    if (type === "participants") return { participants: [...detail.participants.values()] };
    if (type === "videos") {
      return {
        videos: detail.videos.map(({ participantId, kind }) => ({ participantId, kind })),
        paused: detail.paused.map(({ participantId, kind }) => ({ participantId, kind })),
      };
    }
    return detail;
  },

  /** Plays a WAV file (as base64) into the voice; resolves when it has ended. */
  async say(base64) {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const buffer = await this.context.decodeAudioData(bytes.buffer);
    await this.play(buffer);
  },

  /** Says 16-bit PCM (as base64, interleaved); resolves when it is said. */
  async speak(base64, sampleRate, channels) {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const samples = new Int16Array(bytes.buffer);
    const buffer = this.context.createBuffer(channels, samples.length / channels, sampleRate);
    for (let channel = 0; channel < channels; channel++) {
      const plane = buffer.getChannelData(channel);
      for (let i = 0; i < plane.length; i++) plane[i] = samples[i * channels + channel] / 32768;
    }
    await this.play(buffer);
  },

  async play(buffer) {
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(this.destination);
    const ended = new Promise((resolve) => source.addEventListener("ended", resolve));
    source.start();
    await ended;
  },

  /** Begins a tone in the voice. `level` is the amplitude of the sine. */
  startTone(hz, level) {
    this.stopTone();
    this.tone = new OscillatorNode(this.context, { frequency: hz });
    const gain = new GainNode(this.context, { gain: level });
    this.tone.connect(gain).connect(this.destination);
    this.tone.start();
  },

  stopTone() {
    this.tone?.stop();
    this.tone?.disconnect();
    this.tone = undefined;
  },

  /** Plays what is heard out of a loudspeaker: it comes back into the microphone, later and quieter. */
  turnUpLoudspeaker(gain, delayMs) {
    // Chromium decodes for WebAudio only what an element plays as well.
    const player = new Audio();
    player.srcObject = this.client.audio;
    player.muted = true;
    void player.play();
    const heard = this.context.createMediaStreamSource(this.client.audio);
    const later = new DelayNode(this.context, { maxDelayTime: 1, delayTime: delayMs / 1000 });
    heard.connect(later).connect(new GainNode(this.context, { gain })).connect(this.destination);
    this.loudspeaker = { player, heard };
  },

  /** Keeps the last 30 s of what this browser hears. */
  async listen() {
    const [track] = this.client.audio.getAudioTracks();
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    this.heard = { samples: new Float32Array(48000 * 30), at: 0 };
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const block = new Float32Array(value.numberOfFrames);
      value.copyTo(block, { planeIndex: 0, format: "f32-planar" });
      value.close();
      for (const sample of block) {
        this.heard.samples[this.heard.at++ % this.heard.samples.length] = sample;
      }
      for (let at = 0; at < block.length; at += 240) {
        if (block.subarray(at, at + 240).some((sample) => Math.abs(sample) > AUDIBLE)) {
          this.audibleMs += 5;
        }
      }
    }
  },

  /** How many samples were heard so far: a mark to cut from. */
  heardSamples() {
    return this.heard.at;
  },

  /** What was heard since a mark, as base64 of 32-bit floats at 48 kHz. */
  heardSince(mark) {
    const { samples, at } = this.heard;
    const out = new Float32Array(Math.min(at - mark, samples.length));
    for (let i = 0; i < out.length; i++) {
      out[i] = samples[(at - out.length + i) % samples.length];
    }
    let text = "";
    const bytes = new Uint8Array(out.buffer);
    for (let i = 0; i < bytes.length; i += 8192) {
      text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    }
    return btoa(text);
  },

  /**
   * A pixel of a participant's video as it is shown, as [red, green, blue]; undefined if there is none.
   * `x` and `y` are shares of its width and height.
   */
  async pixel(participant, kind, x = 0.5, y = 0.5) {
    const canvas = await this.picture(participant, kind);
    if (!canvas) return undefined;
    const [left, top] = [Math.floor(canvas.width * x), Math.floor(canvas.height * y)];
    return [...canvas.getContext("2d").getImageData(left, top, 1, 1).data.subarray(0, 3)];
  },

  /** Width by height of a participant's video as it is shown; undefined if there is none. */
  async shape(participant, kind) {
    const canvas = await this.picture(participant, kind);
    return canvas && canvas.width / canvas.height;
  },

  /** The next picture of a participant's video, on a canvas. */
  async picture(participant, kind) {
    const found = this.client.videos.find((one) =>
      one.participantId === participant && one.kind === kind
    );
    if (!found) return undefined;
    const [track] = found.stream.getVideoTracks();
    if (!track || track.readyState === "ended") return undefined;
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    try {
      const late = new Promise((resolve) => setTimeout(() => resolve({ done: true }), 2000));
      const { value, done } = await Promise.race([reader.read(), late]);
      if (done) return undefined;
      const canvas = new OffscreenCanvas(value.displayWidth, value.displayHeight);
      canvas.getContext("2d").drawImage(value, 0, 0);
      value.close();
      return canvas;
    } finally {
      reader.cancel();
    }
  },
};
