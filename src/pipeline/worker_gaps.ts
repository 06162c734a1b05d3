/**
 * What a worker reaches without any permission although it is the server's, or leads on to others: it is closed here, before
 * the user's module is loaded. Named exports of Node's modules cannot be replaced, so what they rest on is.
 *
 * @module
 */

import { closeSync } from "node:fs";
import process from "node:process";
import { DatabaseSync, StatementSync } from "node:sqlite";
import * as workerThreads from "node:worker_threads";
import { guardModules } from "./worker_modules.ts";
import { type Method, refusal, replace } from "./worker_refusal.ts";

type Properties = Record<string, unknown>;

/** Closes all of them. */
export function closeGaps(): void {
  refuseDescriptors();
  for (const descriptor of [0, 1, 2]) closeSync(descriptor);
  forbidClasses();
  forbidSignals();
  forbidSharing();
  forbidSurroundings();
  guardModules();
}

/**
 * Node's sockets and terminals can be put upon any descriptor of the process: the standard streams, but also the server's
 * own sockets. What is connected as the permissions allow is not hindered.
 */
function refuseDescriptors(): void {
  const refuse = refusal("take over descriptors");
  const [Pipe, TCP, UDP, TTY] = [["pipe", "Pipe"], ["tcp", "TCP"], ["udp", "UDP"], ["tty", "TTY"]].map(([file, name]) =>
    handlePrototype(`${file}_wrap`, name ?? "")
  ) as [Properties, Properties, Properties, Properties];
  for (const handle of [Pipe, TCP, UDP]) replace(handle, "open", refuse);
  replace(TCP, "openFromRid", refuse);
  // A terminal is opened by its constructor, which nothing can stop. What it could do then is kept from it.
  for (const name of methodsOf(TTY)) replace(TTY, name, refuse);
  const stream = Object.getPrototypeOf(Pipe) as Properties;
  const isPipe = Object.getOwnPropertyDescriptor(Pipe, "fd")?.get as Method;
  const isTcp = TCP.getsockname as Method;
  const isSocket = (handle: unknown) => answers(handle, isPipe) || answers(handle, isTcp);
  for (const name of methodsOf(stream).filter((name) => name !== "close")) {
    const method = stream[name] as Method;
    replace(stream, name, function guarded(this: unknown, ...values: unknown[]) {
      return isSocket(this) ? Reflect.apply(method, this, values) : refuse();
    });
  }
}

/** Of a native handle of Node's. */
function handlePrototype(file: string, name: string): Properties {
  const { binding } = process as unknown as { binding: (file: string) => Record<string, { prototype: Properties }> };
  return binding(file)[name]?.prototype ?? {};
}

function methodsOf(prototype: Properties): string[] {
  const own = Object.entries(Object.getOwnPropertyDescriptors(prototype));
  return own.filter(([name, { value }]) => typeof value === "function" && name !== "constructor").map(([name]) => name);
}

/** Whether a handle is of the kind that a native method is for; it throws at any other. */
function answers(handle: unknown, native: Method): boolean {
  try {
    Reflect.apply(native, handle, [{}]);
    return true;
  } catch (error) {
    return !(error instanceof TypeError);
  }
}

/** A worker within the worker has no wider permissions, but standard streams of its own; a channel leads to others. */
function forbidClasses(): void {
  for (const owner of [globalThis.Worker, workerThreads.Worker]) forbidClass(owner, "start workers");
  forbidClass(globalThis.BroadcastChannel, "open channels to others");
  replace(globalThis.BroadcastChannel.prototype, "postMessage", refusal("send to others"));
}

/** Whoever holds a derived class, under whatever name, cannot make one: its constructor begins with that of its base. */
function forbidClass(owner: object, what: string): void {
  const refuse = refusal(what);
  Object.setPrototypeOf(
    owner,
    class Forbidden {
      constructor() {
        refuse();
      }
    },
  );
  Object.preventExtensions(owner);
}

/** A process may send itself any signal, which is the server here, and take those that are meant for it. */
function forbidSignals(): void {
  const refuse = refusal("send or take signals");
  for (const name of ["kill", "addSignalListener", "removeSignalListener"]) replace(Deno, name, refuse);
  for (const name of ["kill", "_kill"]) replace(process, name, refuse);
}

/** Stores and locks that are the whole process's, and devices whose drivers are native code. */
function forbidSharing(): void {
  const refuse = refusal("use what it would share with the server");
  for (const name of ["open", "has", "delete", "keys", "match"]) replace(CacheStorage.prototype, name, refuse);
  const { locks } = workerThreads as unknown as { locks?: object };
  for (const one of [(navigator as unknown as { locks?: object }).locks, locks]) {
    if (one === undefined) continue;
    for (const name of ["request", "query"]) replace(Object.getPrototypeOf(one) as object, name, refuse);
  }
  replace(GPU.prototype, "requestAdapter", refusal("use graphics devices"));
}

/** The working folder and the variables are the whole process's, and its arguments may hold a password. */
function forbidSurroundings(): void {
  for (const owner of [Deno, process]) replace(owner, "chdir", refusal("change the working folder"));
  replace(Deno, "args", Object.freeze([]));
  process.argv.length = Math.min(process.argv.length, 2);
  const refuse = refusal("set variables of the server");
  // A variable that is granted may be read. What `process.env` is asked to do comes down to these.
  for (const name of ["set", "delete"]) replace(Deno.env, name, refuse);
  replace(process, "loadEnvFile", refuse);
  // The folder of a database's temporary files is the process's too, and they are written without a permission.
  for (const { prototype } of [DatabaseSync, StatementSync]) {
    for (let owner: object = prototype; owner !== Object.prototype; owner = Object.getPrototypeOf(owner) as object) {
      for (const name of methodsOf(owner as Properties)) replace(owner, name, refusal("use databases"));
    }
  }
}
