// A person in a call of Stream's, by Stream's own client: bundled for a page of the browser. The
// microphone is a tone, the camera and the screen are grey, and the screen has a tone, too; what arrives
// is measured.
import { StreamVideoClient } from "npm:@stream-io/video-client@1.60.0";

const audio = new AudioContext();

/** A stream with a tone. */
function toneStream(frequency) {
  const oscillator = audio.createOscillator();
  oscillator.frequency.value = frequency;
  const gain = audio.createGain();
  gain.gain.value = 0.3;
  const out = audio.createMediaStreamDestination();
  oscillator.connect(gain).connect(out);
  oscillator.start();
  return out.stream;
}

/** A stream with a grey picture of this size. */
function greyStream(level, width, height) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  let count = 0;
  setInterval(() => {
    context.fillStyle = `rgb(${level},${level},${level})`;
    context.fillRect(0, 0, width, height);
    // Each picture differs, so that none is left out.
    context.fillRect(count++ % width, 0, 1, 1);
  }, 60);
  return canvas.captureStream(15);
}

const devices = navigator.mediaDevices;
devices.getUserMedia = ({ audio, video }) =>
  Promise.resolve(
    new MediaStream([
      ...(audio ? toneStream(440).getTracks() : []),
      ...(video ? greyStream(200, 320, 180).getTracks() : []),
    ]),
  );
devices.getDisplayMedia = ({ audio }) =>
  Promise.resolve(
    new MediaStream([
      ...greyStream(60, 1024, 576).getTracks(),
      ...(audio ? toneStream(880).getTracks() : []),
    ]),
  );

class Person {
  /** What has happened, for a test that fails. */
  log = [];
  #client;
  #call;
  #bound = new Map();

  async join({ url, apiKey, userId, name, token, callId }) {
    await audio.resume();
    this.#client ??= new StreamVideoClient({
      apiKey,
      user: userId ? { id: userId, name } : { type: "anonymous" },
      token,
      options: {
        baseURL: `${url}/video`,
        locationHintUrl: `${url}/hint`,
        logger: (level, message, ...details) => {
          if (level !== "warn" && level !== "error") return;
          const texts = details.map((one) => one instanceof Error ? one.message : String(one));
          this.log.push(`${level}: ${[message, ...texts].join(" ")}`);
        },
      },
    });
    const call = this.#call = this.#client.call("default", callId, { reuseInstance: false });
    call.on("all", ({ type }) => this.log.push(type));
    await call.join();
  }

  get callingState() {
    return this.#call.state.callingState;
  }

  get sessionId() {
    return this.#call.state.localParticipant?.sessionId;
  }

  async do(device, action) {
    await this.#call[device][action]();
  }

  async leave() {
    await this.#call.leave();
  }

  get others() {
    return this.#call.state.remoteParticipants.map((one) => ({
      userId: one.userId,
      sessionId: one.sessionId,
      published: one.publishedTracks,
    }));
  }

  /** Plays and shows what another user sends, as a page of theirs would. */
  #bind(userId) {
    const other = this.#call.state.remoteParticipants.find((one) => one.userId === userId);
    if (!other) return undefined;
    let bound = this.#bound.get(other.sessionId);
    if (!bound) {
      const [sound, picture] = [document.createElement("audio"), document.createElement("video")];
      picture.style = "display: block; width: 320px; height: 180px";
      picture.muted = true;
      document.body.append(sound, picture);
      this.#call.bindAudioElement(sound, other.sessionId);
      this.#call.bindVideoElement(picture, other.sessionId, "videoTrack");
      bound = { picture };
      this.#bound.set(other.sessionId, bound);
    }
    if (other.audioStream && bound.stream !== other.audioStream) {
      bound.stream = other.audioStream;
      bound.analyser = audio.createAnalyser();
      bound.analyser.fftSize = 8192;
      audio.createMediaStreamSource(other.audioStream).connect(bound.analyser);
    }
    return bound;
  }

  /** The loudest frequency of another user, and its level in decibels. */
  heard(userId) {
    const analyser = this.#bind(userId)?.analyser;
    if (!analyser) return { hz: 0, level: -Infinity };
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const loudest = bins.indexOf(Math.max(...bins));
    return { hz: loudest * audio.sampleRate / analyser.fftSize, level: bins[loudest] };
  }

  /** The size and the grey of another user's picture. */
  seen(userId) {
    const picture = this.#bind(userId)?.picture;
    if (!picture?.videoWidth) return { width: 0, grey: -1 };
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: 8, height: 8 });
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0, 8, 8);
    return { width: picture.videoWidth, grey: context.getImageData(4, 4, 1, 1).data[1] };
  }
}

globalThis.person = new Person();
