import { Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { createGate } from '../../../src/daemon/gate.ts';

describe('the boot gate (L6)', () => {
  it('waits for every key, in any order, and opens once', () => {
    const gate = createGate(['chain', 'libvirt', 'records', 'snapshot']);
    let opened = 0;
    gate.onOpen(() => {
      opened += 1;
    });
    expect(gate.waitsFor()).toEqual(['chain', 'libvirt', 'records', 'snapshot']);
    gate.pass('snapshot');
    gate.pass('libvirt');
    gate.pass('libvirt');
    expect(gate.waitsFor()).toEqual(['chain', 'records']);
    gate.pass('chain');
    expect(opened).toBe(0);
    gate.pass('records');
    expect([opened, gate.waitsFor()]).toEqual([1, []]);
    for (const key of ['chain', 'libvirt', 'records', 'snapshot'] as const) gate.pass(key);
    expect(opened).toBe(1);
  });

  it('does not wait for a chain where none is configured (D12), and a key that it does not wait for opens nothing', () => {
    const gate = createGate(['libvirt', 'records']);
    gate.pass('chain');
    expect(gate.waitsFor()).toEqual(['libvirt', 'records']);
    gate.pass('records');
    gate.pass('libvirt');
    expect(gate.waitsFor()).toEqual([]);
  });

  it('can be the source of a stream, which ends without an error', () => {
    const gate = createGate(['libvirt']);
    gate.onOpen(() => undefined);
    const heard: string[] = [];
    const subscription = new Observable<string>((subscriber) => gate.onOpen(() => subscriber.next('open'))).subscribe(
      (text) => heard.push(text),
    );
    gate.pass('libvirt');
    expect(heard).toEqual(['open']);
    expect(() => subscription.unsubscribe()).not.toThrow();
  });
});
