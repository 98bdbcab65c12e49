/** The files of `examples/deploy`, as those read them that they are for. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { isFile, read } from "../../scripts/lib/programs.ts";

const FOLDER = fileURLToPath(new URL("../../examples/deploy", import.meta.url));
const UNIT = "ringline-worker.service";
const SYSTEMD = "/usr/bin/systemd-analyze";

const hasGo = (await read("go", ["version"])).success;
if (!hasGo) console.error("deploy files: not all are read, since Go is missing: https://go.dev");

Deno.test({
  name: "Docker's parser, Compose's reader and Kubernetes' types take the files for deploying",
  ignore: !hasGo,
  async fn() {
    const { success, stdout, stderr } = await new Deno.Command("go", {
      args: ["run", ".", FOLDER],
      cwd: new URL("../programs/deploy_files", import.meta.url),
      env: { CGO_ENABLED: "0" },
    }).output();
    const text = new TextDecoder().decode(stdout);
    assertEquals(success, true, text + new TextDecoder().decode(stderr));
    assertEquals(text.trimEnd().split("\n"), [
      "Dockerfile: 1 stage, 9 instructions",
      "compose.yaml: services [livekit redis worker]",
      "kubernetes.yaml: apps/v1 Deployment",
      "kubernetes.yaml: v1 Service",
      "kubernetes.yaml: policy/v1 PodDisruptionBudget",
    ]);
  },
});

// Containers have no systemd.
if (await isFile(SYSTEMD)) {
  Deno.test("systemd takes the unit of a worker", async () => {
    const folder = await Deno.makeTempDir();
    try {
      const unit = await Deno.readTextFile(`${FOLDER}/${UNIT}`);
      // It looks whether the program is there.
      const here = unit.replace("ExecStart=/usr/local/bin/deno ", `ExecStart=${Deno.execPath()} `);
      await Deno.writeTextFile(`${folder}/${UNIT}`, here);
      const { success, stderr } = await new Deno.Command(SYSTEMD, {
        args: ["verify", "--man=no", `${folder}/${UNIT}`],
      }).output();
      assertEquals([success, new TextDecoder().decode(stderr)], [true, ""]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
