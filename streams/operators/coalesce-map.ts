import { Observable, type OperatorFunction } from 'rxjs';

/**
 * Runs `project` for a value; values that come while it runs are remembered as the latest one and lead to exactly one
 * more run (L2: a dirty flag). Nothing is cut off half-way, nothing queues, and nothing begins once nobody listens. Errors
 * of `project` end the stream: catch inside.
 */
export const coalesceMap =
  <T, R>(project: (value: T, missed: number) => Promise<R>): OperatorFunction<T, R> =>
  (source) =>
    new Observable<R>((subscriber) => {
      let running = false;
      let waiting: { readonly value: T } | undefined;
      let missed = 0;
      let completed = false;

      const begin = (value: T, skipped: number): Promise<R> => {
        try {
          return project(value, skipped);
        } catch (error) {
          return Promise.reject(error);
        }
      };
      const run = (value: T, skipped: number): void => {
        running = true;
        begin(value, skipped).then(
          (result) => {
            running = false;
            subscriber.next(result);
            next();
          },
          (error: unknown) => subscriber.error(error),
        );
      };
      const next = (): void => {
        if (subscriber.closed) return;
        if (waiting) {
          const { value } = waiting;
          const skipped = missed;
          waiting = undefined;
          missed = 0;
          run(value, skipped);
        } else if (completed) {
          subscriber.complete();
        }
      };

      return source.subscribe({
        next: (value) => {
          if (!running) {
            run(value, 0);
            return;
          }
          if (waiting) missed += 1;
          waiting = { value };
        },
        error: (error: unknown) => subscriber.error(error),
        complete: () => {
          completed = true;
          if (!running) subscriber.complete();
        },
      });
    });
