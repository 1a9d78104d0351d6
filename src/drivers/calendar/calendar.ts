import cron from 'node-cron';
import type { Calendar } from '../../ports/calendar.ts';

/** Wall-clock appointments by node-cron; an expression that it refuses throws here, at start-up. */
export const createCalendar = (maxRandomDelayMs: number): Calendar => ({
  schedule: (expression, onDue) => {
    const task = cron.schedule(expression, () => onDue(), { noOverlap: true, maxRandomDelay: maxRandomDelayMs });
    return () => {
      void task.stop();
    };
  },
});
