import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEvent } from '../../../../src/drivers/virsh/parse-event.ts';

const stamp = '2026-11-21 03:06:51.617+0000: ';
const atUnixMs = Date.UTC(2026, 10, 21, 3, 6, 51, 617);

/** Detail lines as virsh 9.0 prints them, `%n` standing for the name. */
const shapes: readonly (readonly [event: string, line: string, detail: string])[] = [
  ['lifecycle', "event 'lifecycle' for domain '%n': Defined Added", 'Defined Added'],
  ['lifecycle', "event 'lifecycle' for domain '%n': Stopped Failed", 'Stopped Failed'],
  [
    'lifecycle',
    "event 'lifecycle' for domain '%n': Shutdown Finished after host request",
    'Shutdown Finished after host request',
  ],
  ['lifecycle', "event 'lifecycle' for domain '%n': Resumed Post-copy", 'Resumed Post-copy'],
  ['reboot', "event 'reboot' for domain '%n'", ''],
  [
    'agent-lifecycle',
    "event 'agent-lifecycle' for domain '%n': state: 'disconnected' reason: 'domain started'",
    "state: 'disconnected' reason: 'domain started'",
  ],
  [
    'metadata-change',
    "event 'metadata-change' for domain '%n': type element, uri https://blockhost.io/provisioner/machine/1",
    'type element, uri https://blockhost.io/provisioner/machine/1',
  ],
  ['rtc-change', "event 'rtc-change' for domain '%n': -3600", '-3600'],
  ['balloon-change', "event 'balloon-change' for domain '%n': 262144KiB", '262144KiB'],
  ['migration-iteration', "event 'migration-iteration' for domain '%n': iteration: '2'", "iteration: '2'"],
  ['disk-change', "event 'disk-change' for domain '%n' disk vda: /a -> /b: dropped", 'disk vda: /a -> /b: dropped'],
  ['tray-change', "event 'tray-change' for domain '%n' disk hda: opened", 'disk hda: opened'],
  ['job-completed', "event 'job-completed' for domain '%n':", ''],
  ['tunable', "event 'tunable' for domain '%n':", ''],
];

/** Names out of hell: quotes, colons, spaces, and whole pieces of event lines. */
const hellishName = fc
  .array(
    fc.oneof(
      fc.string({ minLength: 1, maxLength: 6 }),
      fc.constantFrom(
        "'",
        ': ',
        "': ",
        "event 'lifecycle' for domain '",
        "': Stopped Failed",
        "': state: '",
        ' disk ',
        'é☃',
      ),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => parts.join('').replace(/[\n\r]/g, ''))
  .filter((name) => name !== '');

describe('parseEvent', () => {
  it.each(shapes)('reads %s with and without a time', (event, line, detail) => {
    const plain = line.replace('%n', 'ev1');
    expect(parseEvent(plain)).toEqual({ kind: 'event', event, domain: 'ev1', detail });
    expect(parseEvent(stamp + plain)).toEqual({ kind: 'event', event, domain: 'ev1', detail, atUnixMs });
  });

  it.each(shapes)('gives back any name in %s, whatever it looks like (%s)', (event, line, detail) => {
    fc.assert(
      fc.property(hellishName, (name) => {
        expect(parseEvent(stamp + line.replace('%n', () => name))).toEqual({
          kind: 'event',
          event,
          domain: name,
          detail,
          atUnixMs,
        });
      }),
      { numRuns: 300 },
    );
  });

  it('reads kinds whose shape it does not know, with a plain name', () => {
    const read = (line: string) => parseEvent(line);
    expect(read("event 'io-error' for domain 'a b': /x.qcow2 (vda) pause")).toMatchObject({
      domain: 'a b',
      detail: '/x.qcow2 (vda) pause',
    });
    expect(read("event 'block-threshold' for domain 'a': dev: vda[1](/x) 10 20")).toMatchObject({
      event: 'block-threshold',
      domain: 'a',
    });
    expect(read("event 'device-removed' for domain 'a': net1")).toMatchObject({ domain: 'a', detail: 'net1' });
    expect(read("event 'made-up-in-2031' for domain 'a': what: 'ever'")).toMatchObject({
      domain: 'a',
      detail: "what: 'ever'",
    });
    expect(read("event 'control-error' for domain 'a'")).toMatchObject({
      event: 'control-error',
      domain: 'a',
      detail: '',
    });
  });

  it('takes a line that begins with a tab as the continuation of the one before', () => {
    expect(parseEvent('\toperation: 2')).toEqual({ kind: 'continuation', text: 'operation: 2' });
  });

  it.each([
    '',
    'events received: 3',
    "event 'lifecycle' for domain '",
    "event '' for domain 'a': x",
    "lifecycle' for domain 'a': Stopped",
  ])('calls %j unparsed', (line) => expect(parseEvent(line)).toEqual({ kind: 'unparsed', line }));

  it('never throws and never invents a field, whatever the line', () => {
    const pieces = fc.constantFrom(
      "event '",
      "' for domain '",
      "': ",
      '2026-11-21 ',
      '03:06:51.617+0000: ',
      'lifecycle',
      'Stopped',
      '\t',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 8 }), (parts) => {
        const line = parts.join('');
        const event = parseEvent(line);
        expect(['event', 'continuation', 'unparsed']).toContain(event.kind);
        if (event.kind === 'event') expect(line).toContain(event.domain);
      }),
      { numRuns: 2000 },
    );
  });
});
