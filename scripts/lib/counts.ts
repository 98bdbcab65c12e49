/** Counts tests, from what the runners report. @module */

/** How many tests ended how. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Returns the sum of all. */
export function sum(all: readonly Counts[]): Counts {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of all) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  }
  return total;
}

/**
 * Counts what Deno reported as JUnit; a run that failed without a failed test counts as one. What a
 * conformance kit reports as ignored is a part that the tested thing does not have, by its own
 * declaration, and no test of ours that was left out: it is not counted. A guide that shows a kit is
 * where its tests come from.
 */
export function countJunit(xml: string, success: boolean): Counts {
  const cases = xml.match(/<testcase\b/g)?.length ?? 0;
  const failed = xml.match(/<(failure|error)\b/g)?.length ?? 0;
  const ignored = [...xml.matchAll(/<testcase\b([^>]*)>\s*<skipped\b/g)];
  const isPart = ([, attributes = ""]: RegExpExecArray) =>
    /classname="[^"]*(src\/testing\/conformance\/|docs\/\w+\.md#)/.test(attributes);
  const skipped = ignored.filter((one) => !isPart(one)).length;
  return {
    passed: cases - failed - ignored.length,
    failed: failed === 0 && !success ? 1 : failed, // a module that did not load, a leak
    skipped,
  };
}

/** Counts what cargo printed; a run that failed without a failed test counts as one. */
export function countCargo(printed: string, success: boolean): Counts {
  const results = printed.matchAll(/test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/g);
  const counts = sum(
    [...results].map(([, passed, failed, skipped]) => ({
      passed: Number(passed),
      failed: Number(failed),
      skipped: Number(skipped),
    })),
  );
  if (!success) counts.failed ||= 1; // it did not compile
  return counts;
}
