import fc from 'fast-check';
import { HttpRequestError } from 'viem';
import { describe, expect, it } from 'vitest';
import { HypervisorError } from '../../../../src/domain/errors.ts';
import { createLog, type LogOptions } from '../../../../src/drivers/log/create-log.ts';

const collect = (options: LogOptions = {}) => {
  const lines: string[] = [];
  const log = createLog({ level: 'debug', ...options, destination: { write: (line) => void lines.push(line) } });
  const last = (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? '{}');
  return { log, lines, last, all: () => lines.join('') };
};

const HASH = `0x${'5e'.repeat(32)}`;

describe('createLog', () => {
  it('writes one JSON line with level, time, fields and message', () => {
    const { log, lines, last } = collect();
    log.info({ vm: 'blockhost-001', block: 12n, rule: 'C5' }, 'suspended');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.endsWith('\n')).toBe(true);
    expect(last()).toEqual({
      level: 'info',
      time: expect.stringMatching(/Z$/),
      vm: 'blockhost-001',
      block: '12',
      rule: 'C5',
      msg: 'suspended',
    });
  });

  it('leaves out what is below its level', () => {
    const { log, lines } = collect({ level: 'warn' });
    log.info({}, 'no');
    log.debug({}, 'no');
    log.warn({}, 'yes');
    expect(lines).toHaveLength(1);
  });

  it('gives the fields of a child to each of its lines', () => {
    const { log, last } = collect();
    log.child({ vm: 'a', url: 'https://a.example/KEY1' }).child({ uuid: 'b' }).error({ x: 1 }, 'm');
    expect(last()).toMatchObject({ level: 'error', vm: 'a', url: 'https://a.example/…', uuid: 'b', x: 1 });
  });

  it('writes an error of ours with code, hint and cause', () => {
    const { log, last } = collect();
    const cause = new Error('at https://a.example/KEY1');
    log.error(
      { err: new HypervisorError('virsh timed out', { code: 'VIRSH_TIMEOUT', retryable: true, hint: 'look', cause }) },
      'm',
    );
    expect(last().err).toMatchObject({
      type: 'HypervisorError',
      message: 'virsh timed out',
      code: 'VIRSH_TIMEOUT',
      retryable: true,
      hint: 'look',
      cause: { message: 'at https://a.example/…' },
    });
  });

  it('keeps the URL of a viem error out of message, stack and cause', () => {
    const { log, all } = collect();
    const url = 'https://node.example/v3/TOPSECRETKEY0001';
    const inner = new HttpRequestError({ url, body: { method: 'eth_call' }, details: `fetch ${url} failed` });
    log.warn({ error: inner, nested: { list: [new Error('outer', { cause: inner })] } }, `cannot read ${url}`);
    expect(all()).not.toContain('TOPSECRET');
    expect(all()).toContain('https://node.example/…');
  });

  it('keeps a hash whole only where the field says that it is one', () => {
    const { log, last } = collect();
    log.info(
      { blockHash: HASH, topics: [HASH], block: { number: 1n, hash: HASH }, value: HASH, blockHashes: `was ${HASH}` },
      'm',
    );
    expect(last()).toMatchObject({
      blockHash: HASH,
      topics: [HASH],
      block: { hash: HASH },
      value: '0x5e5e5e…',
      blockHashes: 'was 0x5e5e5e…',
    });
  });

  it('writes whatever it is given: cycles, getters that throw, functions, huge lists, fields named like its own', () => {
    const { log, last } = collect();
    const cycle: Record<string, unknown> = {
      n: Number.NaN,
      when: new Date(0),
      bytes: new Uint8Array(32),
      level: 'x',
      msg: 'y',
    };
    cycle.self = cycle;
    const bad = Object.defineProperty({}, 'x', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    log.info(
      {
        ...cycle,
        cycle,
        bad,
        f: () => 1,
        many: Array.from({ length: 500 }, (_, i) => i),
        map: new Map([['k', 1n]]),
        set: new Set([1]),
      },
      'm',
    );
    expect(last()).toMatchObject({
      level: 'info',
      level_: 'x',
      msg: 'm',
      msg_: 'y',
      n: 'NaN',
      bytes: '[32 bytes]',
      bad: '[unreadable]',
      map: { k: '1' },
      set: [1],
    });
  });

  it('hides what follows the name of a secret in a list of arguments', () => {
    const { log, last } = collect();
    log.info({ argv: ['sign', '--private-key', 'abcd', '--password=efgh', '--name', 'x'] }, 'm');
    expect(last().argv).toEqual(['sign', '--private-key', '[redacted]', '--password=[redacted]', '--name', 'x']);
  });

  it('never writes a planted secret, whatever it is nested in', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9]{12,32}$/).map((text) => `s3cr3t${text}`);
    const plant = (value: string): fc.Arbitrary<unknown> =>
      fc.oneof(
        fc
          .constantFrom('password', 'api_key', 'privateKey', 'token', 'Authorization', 'SECRET_KEY')
          .map((key) => ({ [key]: value })),
        fc.constantFrom(
          `https://a.example/v3/${value}`,
          `wss://u:${value}@a.example`,
          `Authorization: Bearer ${value}`,
          `DEPLOYER_SECRET=${value}`,
          `{"password": "${value}"}`,
        ),
        fc.constant(new Error(`HTTP request failed. URL: https://a.example/${value}`)),
        fc.constant(new URL(`https://a.example/?key=${value}`)),
        fc.constant(['--token', value]),
        fc.constant(new Map([[`https://a.example/${value}`, 1]])),
      );
    const wrap = (inner: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
      fc.oneof(
        inner.map((value) => [1, value, 'x']),
        inner.map((value) => ({ a: { b: value }, c: 1n })),
        inner.map((value) => new Map([['k', value]])),
        inner.map((value) => new Set([value])),
        inner.map((value) => new Error('outer', { cause: value })),
        inner.map((value) => new AggregateError([value], 'several')),
        inner.map((value) => Object.assign(new Error('extra'), { request: value, url: value })),
      );
    const nested = secret.chain((value) => {
      const bare = plant(value);
      return fc
        .oneof(bare, wrap(bare), wrap(wrap(bare)), wrap(wrap(wrap(bare))))
        .map((planted) => ({ value, planted }));
    });
    let seen = 0;
    fc.assert(
      fc.property(nested, fc.boolean(), ({ value, planted }, inChild) => {
        const { log, all } = collect();
        if (inChild) log.child({ planted }).warn({}, 'm');
        else log.warn({ planted }, 'm');
        seen += 1;
        expect(all()).toContain('"msg":"m"');
        expect(all()).not.toContain(value);
      }),
      { numRuns: 500 },
    );
    expect(seen).toBeGreaterThanOrEqual(500);
  });

  it('never writes a secret that it was told of, not even in plain text', () => {
    const { log, all } = collect({ secrets: ['0123456789abcdef', ''] });
    log.info({ why: 'host 0123456789abcdef not found', '0123456789abcdef': 1 }, 'at 0123456789abcdef');
    expect(all()).not.toContain('0123456789abcdef');
    expect(all()).toContain('host [redacted] not found');
  });
});
