/**
 * Which test runs in which lane.
 *
 * - `unit`: every test that is not listed here. No browser, no network, under a minute.
 * - `e2e`: what people see: browsers, real WebRTC, whole programs, the edge's contract.
 * - `world`: servers, SDKs and services of others (GetStream among them), a second browser, packages
 *   as a registry delivers them, bad networks and machines, and what takes long: fuzzing, soaking.
 *
 * @module
 */

const ROOT = new URL("../..", import.meta.url);

/** The lanes, in the order in which they run. */
export const LANES = ["unit", "e2e", "world"] as const;

/** A lane of tests. */
export type Lane = typeof LANES[number];

/** Files, and folders (which end in "/"), of the lanes other than `unit`. */
export const LISTED: Record<Exclude<Lane, "unit">, string[]> = {
  e2e: [
    "tests/e2e/",
    "tests/edges/getstream/app_service_test.ts",
    "tests/edges/getstream/chat_test.ts",
    "tests/edges/getstream/offer_test.ts",
    "tests/media/deno_program_test.ts",
    "tests/media/directed_audio_test.ts",
    "tests/media/locked_test.ts",
    "tests/media/loopback_test.ts",
    "tests/media/media_connection_test.ts",
    "tests/media/media_process_test.ts",
    "tests/native/install_test.ts",
    // Take long: whole sounds and whole conversations, again and again.
    "tests/adapters/rnnoise_test.ts",
    "tests/adapters/silero_vad_test.ts",
    "tests/agent/user_code_test.ts",
    "tests/audio/quality_test.ts",
    "tests/inference/realtime_user_code_test.ts",
    "tests/inference/text/markup_filter_test.ts",
    "tests/testing/simulated_noise_test.ts",
    "tests/testing/models/llm_conformance_kit_test.ts",
    "tests/testing/models/realtime_conformance_kit_test.ts",
    // Real servers, sockets and processes, on the loopback.
    "tests/inference/tool_images_test.ts",
    "tests/adapters/openai_audio_body_test.ts",
    "tests/adapters/openai_chat_test.ts",
    "tests/adapters/openai_compatible_test.ts",
    "tests/adapters/openai_http_test.ts",
    "tests/adapters/openai_realtime_programs_test.ts",
    "tests/adapters/openai_realtime_speech_faults_test.ts",
    "tests/adapters/openai_realtime_speech_test.ts",
    "tests/adapters/openai_realtime_test.ts",
    "tests/edges/local/attacks_test.ts",
    "tests/edges/local/certificate_test.ts",
    "tests/edges/local/http_server_test.ts",
    "tests/edges/local/local_edge_test.ts",
    "tests/edges/local/mount_test.ts",
    "tests/fuzz/descriptions_test.ts",
    "tests/native/load_test.ts",
    "tests/serve/mounted_test.ts",
    "tests/testing/models/llm_conformance_test.ts",
    "tests/testing/models/realtime_conformance_test.ts",
    "tests/testing/models/stt_conformance_test.ts",
    "tests/testing/models/tts_conformance_test.ts",
  ],
  world: [
    "tests/examples/pocket_sphinx_test.ts",
    "tests/faults/",
    "tests/edges/getstream/call_test.ts",
    "tests/edges/getstream/conformance_test.ts",
    "tests/edges/getstream/ice_restart_test.ts",
    "tests/edges/getstream/join_test.ts",
    "tests/edges/getstream/moderation_test.ts",
    "tests/edges/getstream/production_test.ts",
    "tests/edges/getstream/programs_test.ts",
    "tests/edges/getstream/reconnect_test.ts",
    "tests/edges/getstream/secrets_test.ts",
    "tests/edges/getstream/user_service_test.ts",
    "tests/adapters/ai_sdk_google_test.ts",
    "tests/adapters/ai_sdk_realtime_test.ts",
    "tests/adapters/ai_sdk_speech_test.ts",
    "tests/adapters/ai_sdk_test.ts",
    "tests/adapters/cartesia/",
    "tests/adapters/deepgram/",
    "tests/adapters/elevenlabs/",
    "tests/adapters/gemini/",
    "tests/adapters/mcp_test.ts",
    "tests/adapters/openai_package_test.ts",
    "tests/adapters/openai_realtime_official_test.ts",
    "tests/adapters/openai_transcription/",
    "tests/adapters/smart_turn/smart_turn_test.ts",
    "tests/inference/local_assistant_test.ts",
    // Packages as a registry delivers them.
    "tests/media/offline_test.ts",
    "tests/native/package_test.ts",
    "tests/scripts/publish_test.ts",
    "tests/scripts/verify_test.ts",
    "tests/soak/soak_test.ts",
    "tests/world/",
  ],
};

/** What runs once more in the world lane, with more `FUZZ_RUNS`. */
export const LONGER: string[] = [
  "tests/agent/audio_input_properties_test.ts",
  "tests/edge/properties_test.ts",
  "tests/fuzz/",
];

/** Files of the unit lane that measure time or memory: they run one after the other. */
export const TIMED: string[] = [
  "tests/native/allocation_test.ts",
  "tests/testing/simulator_speed_test.ts",
];

/**
 * Files of the other lanes that measure neither: those of `e2e` run at the same time, as unit tests
 * do, those of `world` beside the ones that measure; the longest first. They wait for conditions, and
 * their limits are for a machine that is busy.
 */
export const UNTIMED: string[] = [
  "tests/e2e/model_examples_faults_test.ts",
  "tests/e2e/page_test.ts",
  "tests/e2e/examples_test.ts",
  "tests/media/offline_test.ts",
  "tests/native/package_test.ts",
  "tests/e2e/metrics_page_test.ts",
  "tests/native/install_test.ts",
  "tests/e2e/client_test.ts",
  "tests/media/deno_program_test.ts",
  "tests/media/locked_test.ts",
  "tests/e2e/slips_test.ts",
  "tests/e2e/layout_test.ts",
  "tests/world/deploy_files_test.ts",
  "tests/world/packages_test.ts",
  "tests/world/example_permissions_test.ts",
  "tests/scripts/publish_test.ts",
  "tests/scripts/verify_test.ts",
  ...LONGER,
  "tests/adapters/",
  "tests/edges/getstream/app_service_test.ts",
  "tests/edges/getstream/join_test.ts",
  "tests/edges/getstream/production_test.ts",
  "tests/edges/getstream/secrets_test.ts",
  "tests/edges/getstream/user_service_test.ts",
  "tests/edges/local/",
  "tests/inference/text/markup_filter_test.ts",
  "tests/inference/tool_images_test.ts",
  "tests/native/load_test.ts",
  "tests/testing/models/",
];

/** Files of `e2e` that only compute: they run beside those that measure, as those of `world` do. */
export const COMPUTING: string[] = [
  "tests/adapters/silero_vad_test.ts",
  "tests/agent/user_code_test.ts",
  "tests/audio/quality_test.ts",
  "tests/inference/realtime_user_code_test.ts",
  "tests/testing/simulated_noise_test.ts",
];

/**
 * Files of `world` that wait for what others do, and hold on a machine that is twice as slow: as many
 * run at a time as there are processors, before those that run alone.
 */
export const WAITING: string[] = [
  "tests/edges/getstream/call_test.ts",
  "tests/edges/getstream/programs_test.ts",
  "tests/edges/getstream/moderation_test.ts",
  "tests/edges/getstream/conformance_test.ts",
  "tests/world/front_desk_test.ts",
  "tests/world/speech_services_test.ts",
];

/** What the tests of each lane find in the environment. */
export const ENVIRONMENT: Record<Lane, Record<string, string>> = {
  unit: { FUZZ_RUNS: "1000" },
  e2e: {},
  world: { FUZZ_RUNS: "30000" },
};

/** Whether a listed file or folder is, or holds, this path. */
export function covers(listed: string, path: string): boolean {
  return listed.endsWith("/") ? path.startsWith(listed) : path === listed;
}

const isIn = (list: readonly string[], path: string) => list.some((one) => covers(one, path));

/** Returns the lane that a test file belongs to. */
export function laneOf(path: string): Lane {
  if (isIn(LISTED.e2e, path)) return "e2e";
  return isIn(LISTED.world, path) ? "world" : "unit";
}

/** Returns those of these test files that run in a lane, in the order in which they start. */
export function filesOf(lane: Lane, files: readonly string[]): string[] {
  const order = [...UNTIMED, ...WAITING];
  const position = (path: string) => order.findIndex((one) => covers(one, path));
  return files
    .filter((path) => laneOf(path) === lane || (lane === "world" && isIn(LONGER, path)))
    .sort((a, b) => position(a) - position(b));
}

/**
 * How a file runs: `together` with as many as there are processors, `alone` after those, or `beside`
 * the ones that run alone, at a lower priority.
 */
export type Manner = "together" | "alone" | "beside";

/** Returns how a lane runs this test file. */
export function mannerOf(lane: Lane, path: string): Manner {
  if (lane === "unit") return isIn(TIMED, path) ? "alone" : "together";
  if (isIn(COMPUTING, path)) return "beside";
  if (isIn(WAITING, path)) return "together";
  if (!isIn(UNTIMED, path)) return "alone";
  return lane === "world" ? "beside" : "together";
}

/** The folders with tests. */
const FOLDERS = ["tests", "examples"];

/** Returns all test files, by path from the repository's root. */
export async function testFiles(folders: readonly string[] = FOLDERS): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
      const path = `${folder}/${name}`;
      if (isDirectory) found.push(...await testFiles([path]));
      else if (name.endsWith("_test.ts")) found.push(path);
    }
  }
  return found.sort();
}
