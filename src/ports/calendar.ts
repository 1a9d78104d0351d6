/** Appointments by the wall clock, as a cron expression. `schedule` returns what ends them. */
export interface Calendar {
  schedule(expression: string, onDue: () => void): () => void;
}
