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
/** All that a reply waits for besides us: silence, model, voice. */
export const SCRIPTED_MS = TURN_SILENCE_MS + LLM_MS + TTS_MS;
