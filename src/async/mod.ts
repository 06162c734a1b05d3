/**
 * Time and promises: a clock that tests can turn, an owner for background tasks, jobs in turn, typed events.
 *
 * @module
 */
export { type Clock, sleep, systemClock, type Timer, withTimeLimit } from "./clock.ts";
export { Emitter, type Unsubscribe } from "./emitter.ts";
export { TaskScope } from "./task_scope.ts";
export { Turns } from "./turns.ts";
