import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { ROOT } from "../../../scripts/package/build.ts";

/** Every file from which somebody deploys, relative to the checkout. */
export const DEPLOYED: readonly string[] = [
  "Dockerfile",
  "compose.yaml",
  ...[...filesBelow("deploy")].toSorted(),
];

/** One instruction of a Dockerfile. */
export interface Instruction {
  readonly name: string;
  readonly rest: string;
}

const named = z.object({ name: z.string() });
const envEntry = named.extend({ value: z.string().optional() });
const probe = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) });

/** What is looked at of a Deployment; more may be in it. */
const deployment = z.object({
  spec: z.object({
    replicas: z.number(),
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({
        enableServiceLinks: z.boolean(),
        terminationGracePeriodSeconds: z.number(),
        securityContext: z.object({ runAsNonRoot: z.boolean(), runAsUser: z.number(), runAsGroup: z.number() }),
        containers: z.tuple([named.extend({
          image: z.string(),
          args: z.array(z.string()),
          env: z.array(envEntry),
          ports: z.array(named.extend({ containerPort: z.number(), protocol: z.string() })),
          startupProbe: probe,
          livenessProbe: probe,
          readinessProbe: probe,
          securityContext: z.object({ readOnlyRootFilesystem: z.boolean(), allowPrivilegeEscalation: z.boolean() }),
          volumeMounts: z.array(named.extend({ mountPath: z.string() })),
        })]),
        volumes: z.array(named),
      }),
    }),
  }),
});

const service = z.object({
  spec: z.object({
    selector: z.record(z.string(), z.string()),
    ports: z.array(z.object({
      port: z.number(),
      targetPort: z.union([z.number(), z.string()]),
      protocol: z.string(),
    })),
  }),
});

const compose = z.object({
  services: z.record(
    z.string(),
    z.looseObject({
      image: z.string(),
      ports: z.array(z.string()),
      environment: z.record(z.string(), z.string()).optional(),
      healthcheck: z.object({ test: z.array(z.string()) }).optional(),
      command: z.array(z.string()).optional(),
    }),
  ),
});

/** The text of a file of the checkout. */
export function textOf(path: string): string {
  return Deno.readTextFileSync(`${ROOT}${path}`);
}

/** All documents of a YAML file. */
export function yamlOf(path: string): unknown[] {
  return parseAllDocuments(textOf(path)).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS();
  });
}

/** A Deployment, checked for what is looked at here. */
export function deploymentOf(path: string): z.infer<typeof deployment> {
  return deployment.parse(parse(textOf(path)));
}

/** A Service, likewise. */
export function serviceOf(path: string): z.infer<typeof service> {
  return service.parse(parse(textOf(path)));
}

/** compose.yaml, likewise. */
export function composeFile(): z.infer<typeof compose> {
  return compose.parse(parse(textOf("compose.yaml")));
}

/** The instructions of the Dockerfile, continued lines joined. */
export function dockerfile(): Instruction[] {
  const lines = textOf("Dockerfile").replace(/^#.*\n/gm, "").replaceAll("\\\n", " ").split("\n");
  return lines.filter((line) => line.trim() !== "").map((line) => {
    const [, name = "", rest = ""] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    return { name, rest: rest.trim().replace(/\s+/g, " ") };
  });
}

/** The default of a build argument. */
export function argument(name: string): string | undefined {
  const line = dockerfile().find((one) => one.name === "ARG" && one.rest.startsWith(`${name}=`));
  return line?.rest.slice(name.length + 1);
}

function* filesBelow(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(`${ROOT}${folder}`)) {
    if (isDirectory) yield* filesBelow(`${folder}/${name}`);
    else yield `${folder}/${name}`;
  }
}
