import assert from "node:assert/strict";
import { parse } from "yaml";
import { flagName, SETTING_NAMES, SETTINGS, variableName } from "../../../src/config/mod.ts";
import { readPipeline, validatePipeline } from "../../../src/pipeline/mod.ts";
import { ROOT } from "../../../scripts/package/build.ts";
import {
  argument,
  composeFile,
  DEPLOYED,
  deploymentOf,
  dockerfile,
  type Instruction,
  serviceOf,
  textOf,
  yamlOf,
} from "./ground.ts";

const BASE = "deploy/kubernetes/base";
const HTTP = String(SETTINGS.port.default);
const MEDIA = "40000";

const version: string = JSON.parse(textOf("deno.json")).version;

Deno.test("every variable that a deployment sets is a setting of the server", () => {
  const known = new Set(SETTING_NAMES.map(variableName));
  let seen = 0;
  for (const path of DEPLOYED) {
    for (const [name] of textOf(path).matchAll(/TELEFUSER_[A-Z_]+/g)) {
      assert.ok(known.has(name), `${path}: ${name} is no setting`);
      seen++;
    }
  }
  assert.ok(seen > 20, `only ${seen} were found`);
});

Deno.test("every command and flag that a deployment starts exists", () => {
  const sources = [...Deno.readDirSync(`${ROOT}src/cli`)].filter(({ isFile }) => isFile);
  const cli = sources.map(({ name }) => textOf(`src/cli/${name}`)).join("\n");
  const commands = new Set([...cli.matchAll(/\.command\("([a-z-]+)"\)/g)].map(([, name]) => name));
  const flags = new Set([...SETTING_NAMES.map(flagName), "server-url"]);
  const lines = commandLines();
  assert.equal(lines.length, 5, "Dockerfile twice, compose, Kubernetes, systemd");
  for (const [name = "", ...args] of lines) {
    assert.ok(commands.has(name), `${name} is no command`);
    for (const arg of args) {
      if (arg.startsWith("-")) assert.ok(flags.has(arg.slice(2)), `${arg} is no flag`);
    }
  }
});

/** What is handed to `telefuser`, wherever it is started for good. */
function commandLines(): string[][] {
  const health = JSON.parse(/CMD (\[.*)$/.exec(instruction("HEALTHCHECK").rest)?.[1] ?? "[]");
  const unit = /^ExecStart=(.*)$/m.exec(textOf("deploy/systemd/telefuser.service"))?.[1]?.split(" ") ?? [];
  const checked = composeFile().services["telefuser"]?.healthcheck?.test ?? [];
  assert.deepEqual(JSON.parse(instruction("ENTRYPOINT").rest), ["telefuser"]);
  for (const line of [health, checked.slice(1)]) assert.equal(line[0], "telefuser");
  assert.equal(unit[0], "/usr/local/bin/telefuser");
  return [
    JSON.parse(instruction("CMD").rest),
    health.slice(1),
    checked.slice(2),
    deploymentOf(`${BASE}/deployment.yaml`).spec.template.spec.containers[0].args,
    unit.slice(1),
  ];
}

Deno.test("the ports are the same everywhere", () => {
  const media = {
    Dockerfile: `TELEFUSER_UDP_PORT=${MEDIA}`,
    "deploy/systemd/telefuser.env": `TELEFUSER_UDP_PORT=${MEDIA}`,
  };
  for (const [path, line] of Object.entries(media)) assert.match(textOf(path), new RegExp(`^(ENV )?${line}$`, "m"));
  assert.equal(instruction("EXPOSE").rest, `${HTTP}/tcp ${MEDIA}/udp`);
  const server = composeFile().services["telefuser"];
  assert.deepEqual(server?.ports, [`${HTTP}:${HTTP}/tcp`, `${MEDIA}:${MEDIA}/udp`]);
  assert.equal(server?.environment?.["TELEFUSER_UDP_PORT"], MEDIA);
  const container = deploymentOf(`${BASE}/deployment.yaml`).spec.template.spec.containers[0];
  const env = new Map(container.env.map(({ name, value }) => [name, value]));
  assert.equal(env.get("TELEFUSER_PORT"), HTTP);
  assert.equal(env.get("TELEFUSER_UDP_PORT"), MEDIA);
  assert.deepEqual(container.ports, [
    { name: "http", containerPort: Number(HTTP), protocol: "TCP" },
    { name: "media", containerPort: Number(MEDIA), protocol: "UDP" },
  ]);
  const [http] = serviceOf(`${BASE}/service.yaml`).spec.ports;
  assert.deepEqual([http?.port, http?.targetPort], [Number(HTTP), "http"]);
  const [udp] = serviceOf("deploy/kubernetes/single-udp-port/media_service.yaml").spec.ports;
  assert.deepEqual([udp?.port, udp?.targetPort, udp?.protocol], [Number(MEDIA), Number(MEDIA), "UDP"]);
});

Deno.test("the image says version and Deno as the checkout does, runs as one number, and names no registry", () => {
  assert.match(textOf(".ci/run"), new RegExp(`deno@${argument("DENO_VERSION")?.replaceAll(".", "\\.")} `));
  assert.ok(instruction("LABEL").rest.includes(`org.opencontainers.image.version="${version}"`));
  const kustomization = parse(textOf(`${BASE}/kustomization.yaml`));
  assert.deepEqual(kustomization.images, [{ name: "telefuser", newTag: version }]);
  const { runAsNonRoot, runAsUser, runAsGroup } =
    deploymentOf(`${BASE}/deployment.yaml`).spec.template.spec.securityContext;
  assert.ok(runAsNonRoot);
  assert.equal(instruction("USER").rest, `${runAsUser}:${runAsGroup}`);
  const images = [argument("BASE_IMAGE"), argument("BUILD_IMAGE")];
  images.push(...Object.values(composeFile().services).map(({ image }) => image));
  for (const image of images) assert.match(image ?? "", /^[a-z]+(\/[a-z]+)?(:[\w.-]+)?$/);
});

Deno.test("what the Dockerfile copies is let through by .dockerignore, and is there", () => {
  const allowed = textOf(".dockerignore").split("\n").filter((line) => line.startsWith("!")).map((line) =>
    line.slice(1)
  );
  const copied = dockerfile().filter(({ name, rest }) => name === "COPY" && !rest.startsWith("--from="));
  assert.ok(copied.length >= 6);
  for (const path of copied.flatMap(({ rest }) => rest.split(" ").slice(0, -1))) {
    assert.ok(allowed.some((one) => path === one || path.startsWith(`${one}/`)), `${path} is not let through`);
    if (!path.startsWith("dist/")) assert.ok(Deno.statSync(`${ROOT}${path}`), path);
  }
});

Deno.test("pods are chosen by their labels, mount what they have, and are kept as tight as can be", () => {
  const { selector, template, replicas } = deploymentOf(`${BASE}/deployment.yaml`).spec;
  assert.equal(replicas, 1);
  for (const path of [`${BASE}/service.yaml`, "deploy/kubernetes/single-udp-port/media_service.yaml"]) {
    assert.deepEqual(serviceOf(path).spec.selector, selector.matchLabels);
  }
  assert.deepEqual(template.metadata.labels, selector.matchLabels);
  const { containers: [container], volumes, enableServiceLinks } = template.spec;
  // Else a Service named telefuser would set TELEFUSER_PORT.
  assert.equal(enableServiceLinks, false);
  assert.ok(container.securityContext.readOnlyRootFilesystem);
  assert.ok(!container.securityContext.allowPrivilegeEscalation);
  assert.deepEqual(container.volumeMounts.map(({ name }) => name), volumes.map(({ name }) => name));
  const paths = [container.startupProbe, container.livenessProbe, container.readinessProbe].map(({ httpGet }) =>
    httpGet
  );
  assert.deepEqual(paths.map(({ path }) => path), [
    "/v1/service/health",
    "/v1/service/health",
    "/v1/service/ready",
  ]);
  assert.ok(paths.every(({ port }) => container.ports.some(({ name }) => name === port)));
});

Deno.test("what is installed bears its version and the command is a link to it, so that an upgrade can go back", () => {
  const file = `/usr/local/bin/telefuser-${version}`;
  const link = `ln -sfn telefuser-${version} /usr/local/bin/telefuser`;
  for (const path of ["docs/deployment.md", "deploy/systemd/telefuser.service"]) {
    const text = textOf(path);
    assert.ok(text.includes(`install -m 0755 telefuser-packaged ${file}\n`), path);
    assert.ok(text.indexOf(link) > text.indexOf(file), `${path}: ${link} comes behind`);
    assert.doesNotMatch(text, /(?:scp|install) .*bin\/telefuser$/m, `${path}: a file under the name of the link`);
  }
  assert.ok(textOf("docs/deployment.md").includes(`To go back: \`${link}\``));
});

Deno.test("every file of deploy/ that is YAML can be read, and what it names is there", () => {
  const yaml = ["compose.yaml", ...DEPLOYED.filter((path) => path.endsWith(".yaml"))];
  assert.ok(yaml.length > 8);
  for (const path of yaml) {
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    for (const document of yamlOf(path) as Record<string, unknown>[]) {
      assert.equal(typeof document, "object", path);
      const { resources = [], components = [], patches = [] } = document as Record<string, string[]>;
      const files = (patches as unknown as { path: string }[]).map((patch) => patch.path);
      for (const name of [...resources, ...components, ...files]) {
        assert.ok(Deno.statSync(`${ROOT}${folder}${name}`), `${path}: ${name}`);
      }
    }
  }
});

Deno.test("compose has no secret in it, says what is missing, and relays to nothing but the server and itself", () => {
  const { services } = composeFile();
  const environment = services["telefuser"]?.environment ?? {};
  for (const name of ["TELEFUSER_PUBLIC_IP", "TELEFUSER_TURN_SECRET"]) {
    assert.match(environment[name] ?? "", new RegExp(`^\\$\\{${name}:\\?.+\\}$`));
  }
  const turn = textOf("deploy/compose/turnserver.conf");
  assert.doesNotMatch(turn, /secret=|user=/);
  const [server, relay] = textOf("compose.yaml").match(/(?<=ipv4_address: )\S+/g) ?? [];
  assert.deepEqual(
    turn.match(/(?<=^allowed-peer-ip=).*$/gm),
    [server, relay],
    "with --relay-only both sides are at the relay",
  );
  assert.match(turn, /^no-tcp-relay$/m);
  assert.deepEqual(turn.match(/(?<=^denied-peer-ip=).*$/gm), [
    "0.0.0.0-255.255.255.255",
    "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
  ]);
  assert.deepEqual(turn.match(/(?<=^(?:listening|relay)-ip=).*$/gm), [relay, relay]);
  const [first, last] = turn.match(/(?<=^(?:min|max)-port=).*$/gm) ?? [];
  assert.ok(services["coturn"]?.ports.includes(`${first}-${last}:${first}-${last}/udp`));
  assert.ok(
    services["coturn"]?.command?.[0]?.includes(`/${relay}\\n`),
    "the outside address stands for the inside one",
  );
  for (const { read_only, cap_drop } of Object.values(services)) {
    assert.deepEqual([read_only, cap_drop], [true, ["ALL"]]);
  }
});

Deno.test("the pipeline that comes with the Kubernetes files would be started at the strictest level", async () => {
  const pipeline = await readPipeline(`${ROOT}${BASE}/pipeline.ts`);
  const grants = { read: [], net: [], env: [] };
  assert.deepEqual(await validatePipeline(pipeline, { level: "strict", grants }), []);
});

Deno.test("the page on deployment names only files that are there", () => {
  const names = [...textOf("docs/deployment.md").matchAll(/(?<![\w/-])(?:deploy|scripts|tests)\/[\w./-]*\w/g)].map((
    [name],
  ) => name);
  assert.ok(names.length > 5);
  for (const name of names) assert.ok(Deno.statSync(`${ROOT}${name}`), name);
});

function instruction(name: string): Instruction {
  const found = dockerfile().find((one) => one.name === name);
  assert.ok(found !== undefined, `the Dockerfile has no ${name}`);
  return found;
}
