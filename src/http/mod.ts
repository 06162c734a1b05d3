/**
 * The HTTP side: routes, schemas, one mapping of errors to statuses, static pages.
 *
 * @module
 */
export { createApp } from "./app.ts";
export {
  type Certificate,
  type CertificateFiles,
  certificateFiles,
  certificateNames,
  parseCertificate,
  readCertificateFiles,
} from "./certificate.ts";
export { createDemoApp, type DemoOptions } from "./demo_app.ts";
export { errorResponse } from "./error_response.ts";
export { listenAsConfigured, type ListenConfig } from "./listen.ts";
export type { Answer, Listener } from "./listener.ts";
export { type OfferRequest, parseOffer } from "./offer_schema.ts";
export type { DemoConfig } from "./pages.ts";
export type { Problem } from "./problem.ts";
export type { AppEnv, Services } from "./services.ts";
