/**
 * How the models of the benchmark behave: fixed, so that it can be taken off what was measured.
 *
 * @module
 */

/** From the last sound to the end of the turn. */
export const TURN_SILENCE_MS = 400;
/** From the pause to the text. Hidden behind the silence: the pause is found 200 ms into it. */
export const STT_MS = 80;
/** To the model's first sentence. */
export const LLM_MS = 120;
/** To the voice's first sound. */
export const TTS_MS = 60;
/** What a tool takes. */
export const TOOL_MS = 150;
/**
 * What a streaming recogniser takes from the last sound to its final text, or to its end of the turn where
 * it decides: assumed, by the medians of an open benchmark of services (247 to 335 ms).
 */
export const RECOGNISER_MS = 300;
/** All that a reply waits for besides us: silence, model, voice. */
export const SCRIPTED_MS = TURN_SILENCE_MS + LLM_MS + TTS_MS;
