/** The version of the server, as `--version` and `/v1/service/health` say it. */
export const VERSION = "0.1.0";
