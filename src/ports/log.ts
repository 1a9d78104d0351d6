/**
 * Structured log: a constant message with fields (pino's shape). Levels by who must act: `error` an operator now,
 * `warn` an operator soon, `info` nobody (what was done and why), `debug` a developer.
 */
export interface Log {
  debug(fields: Record<string, unknown>, message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
  child(fields: Record<string, unknown>): Log;
}
