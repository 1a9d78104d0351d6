/** Runs bodies of this process one after the other, in the order in which they came. */
export const createMutex = () => {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(body: () => Promise<T>): Promise<T> => {
    const next = last.then(body, body);
    last = next.catch(() => undefined);
    return next;
  };
};
