// The benchmark's instrument inside the page. It is evaluated before the page's own scripts, and
// measures whatever connection the page makes: the page does not know of it. All times are
// milliseconds since 1970 on the page's monotonic clock, so that they compare with the agent's.
(() => {
  const RATE = 48000;
  /** Clicks cycle through these, so that an echo says which click it is of, also when one is lost. */
  const FREQUENCIES = [700, 1000, 1430, 2040, 2910, 4160];
  const CLICK_SAMPLES = 0.008 * RATE;
  const CLICK_LEVEL = 0.5;
  const ONSET = 0.1;
  /** A click begins only after this much quiet: the ringing of one is not the next. */
  const QUIET_BEFORE_CLICK = 0.02 * RATE;
  /** The tone's frequency, given a whole period in each window of one millisecond. */
  const WINDOW = RATE / 1000;
  const TONE_LEVEL = 0.05; // root mean square; the agent's tone is four times as loud
  const TONE_GAP_MS = 20;
  /** What counts as speech of the page's own, and the pauses between its words. */
  const SPEECH_LEVEL = 0.01;
  const SPEECH_GAP_MS = 250;

  const now = () => performance.timeOrigin + performance.now();
  const connections = [];
  const receivers = [];
  const waiting = [];

  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      connections.push(this);
      this.addEventListener("track", (event) => {
        if (event.track.kind !== "audio") return;
        receivers.push(event.receiver);
        for (const resolve of waiting.splice(0)) resolve(event.receiver);
      });
    }
  };

  /** Calls `each(samples, time)` with every block of mono samples of a track, as it comes. */
  async function readTrack(track, each) {
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    let samples = new Float32Array(RATE / 100);
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const time = now();
      if (samples.length !== value.numberOfFrames) samples = new Float32Array(value.numberOfFrames);
      value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      value.close();
      each(samples, time);
    }
  }

  /** The power of one frequency in a block (Goertzel). */
  function power(block, frequency) {
    const coefficient = 2 * Math.cos(2 * Math.PI * frequency / RATE);
    let a = 0;
    let b = 0;
    for (const sample of block) [a, b] = [sample + coefficient * a - b, a];
    return a * a + b * b - coefficient * a * b;
  }

  /** Finds clicks in a stream of samples: when each came by, and which of the cycle it is. */
  class ClickDetector {
    found = [];
    #quiet = 0;
    #block = new Float32Array(CLICK_SAMPLES);
    #filled = -1;
    #time = 0;

    take(samples, time) {
      for (const sample of samples) {
        if (this.#filled >= 0) {
          this.#block[this.#filled++] = sample;
          if (this.#filled === CLICK_SAMPLES) {
            const powers = FREQUENCIES.map((frequency) => power(this.#block, frequency));
            this.found.push({ time: this.#time, which: powers.indexOf(Math.max(...powers)) });
            this.#filled = -1;
            this.#quiet = 0;
          }
        } else if (Math.abs(sample) < ONSET) {
          this.#quiet++;
        } else if (this.#quiet >= QUIET_BEFORE_CLICK) {
          this.#filled = 0;
          this.#time = time;
        } else {
          this.#quiet = 0;
        }
      }
    }
  }

  /** Follows a sound that should be there: when it began and ended, and the holes in it. */
  class SoundDetector {
    /** `{ on, time }`, each time the sound begins, or ends for the gap and more. */
    changes = [];
    #level;
    #gapMs;
    /** Milliseconds of quiet since `count()`. */
    quietMs = 0;
    heardMs = 0;
    #on = false;
    #run = 0;
    #sinceChange = 0;
    #sum = 0;
    #count = 0;

    constructor(level, gapMs) {
      this.#level = level;
      this.#gapMs = gapMs;
    }

    reset() {
      this.quietMs = 0;
      this.heardMs = 0;
    }

    take(samples, time) {
      for (const sample of samples) {
        this.#sum += sample * sample;
        if (++this.#count < WINDOW) continue;
        const loud = Math.sqrt(this.#sum / WINDOW) >= this.#level;
        this.#sum = this.#count = 0;
        if (loud) this.heardMs++;
        else this.quietMs++;
        if (loud === this.#on) {
          this.#run = 0;
          continue;
        }
        if (this.#run++ === 0) this.#sinceChange = time;
        if (this.#run < (loud ? 1 : this.#gapMs)) continue;
        this.#on = loud;
        this.#run = 0;
        this.changes.push({ on: loud, time: this.#sinceChange });
      }
    }
  }

  const out = new ClickDetector();
  const back = new ClickDetector();
  const tone = new SoundDetector(TONE_LEVEL, TONE_GAP_MS);
  const speech = new SoundDetector(SPEECH_LEVEL, SPEECH_GAP_MS);
  let source;
  let clicks = 0;
  let listening = false;

  /** The click track: made here, so that no echo canceller, gate or gain control touches it. */
  function makeSource() {
    if (source) return source;
    const context = new AudioContext({ sampleRate: RATE, latencyHint: 0 });
    const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    // Chromium renders nothing for a destination without a source.
    const silence = new ConstantSourceNode(context, { offset: 0 });
    silence.connect(destination);
    silence.start();
    const [track] = destination.stream.getAudioTracks();
    void readTrack(track.clone(), (samples, time) => {
      out.take(samples, time);
      speech.take(samples, time);
    });
    source = { context, destination, track, stream: destination.stream };
    return source;
  }

  /**
   * Listens at the output of the decoder to this audio track, or to the first that the page receives.
   */
  async function listen(track) {
    const heard = track ??
      (receivers[0] ?? await new Promise((resolve) => waiting.push(resolve))).track;
    if (listening) return;
    listening = true;
    void readTrack(heard, (samples, time) => {
      back.take(samples, time);
      tone.take(samples, time);
    });
  }

  function click(frequency) {
    const { context, destination } = makeSource();
    const buffer = new AudioBuffer({ length: CLICK_SAMPLES, sampleRate: RATE });
    const data = buffer.getChannelData(0);
    for (let i = 0; i < data.length; i++) {
      data[i] = CLICK_LEVEL * Math.cos(2 * Math.PI * frequency * i / RATE);
    }
    const node = new AudioBufferSourceNode(context, { buffer });
    node.connect(destination);
    node.start();
  }

  /** Says 16-bit PCM, mono at 48 kHz, as base64; resolves when it is said. */
  async function say(base64) {
    const { context, destination } = makeSource();
    const samples = new Int16Array(
      Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)).buffer,
    );
    const buffer = new AudioBuffer({ length: samples.length, sampleRate: RATE });
    buffer.copyToChannel(Float32Array.from(samples, (sample) => sample / 32768), 0);
    const node = new AudioBufferSourceNode(context, { buffer });
    node.connect(destination);
    const ended = new Promise((resolve) => node.addEventListener("ended", resolve));
    node.start();
    await ended;
  }

  /** Sends `count` clicks, `everyMs` apart, and waits as long again for the last echoes. */
  async function sendClicks(count, everyMs, waitMs) {
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      const due = start + i * everyMs - performance.now();
      if (due > 0) await new Promise((resolve) => setTimeout(resolve, due));
      click(FREQUENCIES[clicks++ % FREQUENCIES.length]);
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }

  /**
   * Each click with the time until its echo, `null` for one that never came back. An echo belongs
   * to the latest click of its frequency before it.
   */
  function roundTrips() {
    const trips = out.found.map(({ time, which }) => ({ time, which, ms: null }));
    for (const echo of back.found) {
      const candidates = trips.filter((trip) => trip.which === echo.which && trip.time < echo.time);
      const trip = candidates.at(-1);
      if (trip && trip.ms === null) trip.ms = echo.time - trip.time;
    }
    return trips.map(({ time, ms }) => ({ time, ms }));
  }

  /** What the browser says of the audio that it received so far. */
  async function stats() {
    for (const connection of connections) {
      for (const entry of (await connection.getStats()).values()) {
        if (entry.type !== "inbound-rtp" || entry.kind !== "audio") continue;
        return {
          received: entry.totalSamplesReceived ?? 0,
          concealed: entry.concealedSamples ?? 0,
          silentConcealed: entry.silentConcealedSamples ?? 0,
          stretched: entry.insertedSamplesForDeceleration ?? 0,
          squeezed: entry.removedSamplesForAcceleration ?? 0,
          delaySeconds: entry.jitterBufferDelay ?? 0,
          emitted: entry.jitterBufferEmittedCount ?? 0,
          packetsLost: entry.packetsLost ?? 0,
          packetsReceived: entry.packetsReceived ?? 0,
        };
      }
    }
    return null;
  }

  /** How far the page's clock is ahead of the wall clock. */
  async function clockOffset() {
    const offsets = [];
    for (let i = 0; i < 9; i++) {
      const start = Date.now();
      while (Date.now() === start); // to where the wall clock's whole milliseconds turn
      offsets.push(now() - Date.now());
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return offsets.sort((a, b) => a - b)[4];
  }

  globalThis.ringlineProbe = {
    makeSource,
    listen,
    sendClicks,
    roundTrips,
    stats,
    clockOffset,
    now,
    connections,
    tone,
    speech,
    say,
    forget() {
      out.found.length = 0;
      back.found.length = 0;
    },
  };
})();
