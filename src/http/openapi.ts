import { z } from "zod";
import type { StreamErrorCode } from "../errors.ts";
import { VERSION } from "../version.ts";
import { problem } from "./answer_schemas.ts";
import { statusOf } from "./error_response.ts";
import { type Operation, OPERATIONS, type Success } from "./operations.ts";

/** Faults that every operation can be answered with. */
const COMMON_ERRORS: readonly StreamErrorCode[] = ["origin_refused", "host_refused"];
const PROBLEM = { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } };

type Json = Readonly<Record<string, unknown>>;

/** The description of the API (OpenAPI 3.1), made from the table of operations and the schemas that check. */
export function describeApi(): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of OPERATIONS) {
    const item = paths[operation.path] ??= {};
    item[operation.method] = describe(operation);
  }
  return {
    openapi: "3.1.0",
    jsonSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
    info: {
      title: "TeleFuser Stream",
      version: VERSION,
      description:
        "Real-time stream server for generative-video pipelines, over WebRTC. What goes over the DataChannel " +
        "is not in this description.",
    },
    servers: [{ url: "/" }],
    paths,
    components: { schemas: { Problem: schemaOf(problem, "output") } },
  };
}

function describe({ id, summary, path, body, successes, alsoAnswers, errors }: Operation): Json {
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string", minLength: 1 },
  }));
  const responses: Record<string, unknown> = { 500: { description: "`internal_error`", content: PROBLEM } };
  for (const [status, codes] of byStatus([...COMMON_ERRORS, ...errors])) {
    responses[status] = { description: codes.map((code) => `\`${code}\``).join(", "), content: PROBLEM };
  }
  for (const [status, success] of Object.entries({ ...successes, ...alsoAnswers })) {
    responses[status] = describeSuccess(success);
  }
  return {
    operationId: id,
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : {
      requestBody: {
        required: true,
        description: body.description,
        content: { [body.type]: { schema: schemaOf(body.schema, "input") } },
      },
    }),
    responses,
  };
}

function describeSuccess({ description, type, schema, headers, leadsTo = [] }: Success): Json {
  const names = Object.entries(headers ?? {});
  const links = leadsTo.map((
    operationId,
  ) => [operationId, { operationId, parameters: { id: "$response.body#/session_id" } }]);
  return {
    description,
    ...(type === undefined || schema === undefined
      ? {}
      : { content: { [type]: { schema: schemaOf(schema, "output") } } }),
    ...(names.length === 0 ? {} : {
      headers: Object.fromEntries(
        names.map(([name, text]) => [name, { description: text, required: true, schema: { type: "string" } }]),
      ),
    }),
    ...(links.length === 0 ? {} : { links: Object.fromEntries(links) }),
  };
}

function byStatus(codes: readonly StreamErrorCode[]): Map<number, StreamErrorCode[]> {
  const grouped = new Map<number, StreamErrorCode[]>();
  for (const code of codes) grouped.set(statusOf(code), [...grouped.get(statusOf(code)) ?? [], code]);
  return grouped;
}

/** A schema as JSON Schema, draft 2020-12, that of OpenAPI 3.1. In what is sent, a field that is null is one left out. */
function schemaOf(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _dialect, ...described } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema }) => {
      if (io === "input") admitNulls(jsonSchema as ObjectSchema);
    },
  });
  return described;
}

/** The parts of an object's schema that say which fields it takes. */
interface ObjectSchema {
  readonly required?: readonly string[];
  readonly properties?: Record<string, unknown>;
}

function admitNulls({ properties = {}, required = [] }: ObjectSchema): void {
  for (const [name, field] of Object.entries(properties)) {
    if (!required.includes(name)) properties[name] = { anyOf: [field, { type: "null" }] };
  }
}
