import { EchoGuard } from "../../src/inference/hearing/echo_guard.ts";
import { OwnVoice } from "../../src/inference/hearing/own_voice.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { speechLike } from "../../src/testing/sounds.ts";
const own = new OwnVoice(), guard = new EchoGuard(own);
const said = speechLike(20000, { seed: 1 }).samples, person = speechLike(20000, { seed: 2 }).samples;
const t: Record<string, number[]> = { quiet: [], noVoice: [], echo: [], person: [] };
for (let row = 0; row < 900; row++) {
  if (row >= 200) { own.wrote(new PcmChunk(said.subarray((row - 200) * 320, (row - 199) * 320), { sampleRate: 16000 }), (row - 200) * 20); }
  own.update(row, Math.max(0, (row - 199) * 20));
  const kind = row < 200 ? "quiet" : row < 400 ? "noVoice" : row < 600 ? "echo" : "person";
  const s = kind === "echo" ? said.subarray((row - 208) * 320, (row - 207) * 320) : person.subarray(row * 320, (row + 1) * 320);
  const a = performance.now(); const e = guard.push(new PcmChunk(s, { sampleRate: 16000 }), kind !== "noVoice" && kind !== "quiet", row); t[kind].push(performance.now() - a);
}
for (const k in t) { const s = t[k].slice(20).sort((a, b) => a - b); console.log(k, "mean", (s.reduce((a, b) => a + b) / s.length * 1000).toFixed(0), "us p50", (s[s.length >> 1] * 1000).toFixed(0), "max", (s.at(-1)! * 1000).toFixed(0)); }
