import type { Seen } from './claims.ts';
import type { Machine, Stage } from './stage.ts';

type Eyes = Pick<Stage, 'observer' | 'chain'>;
type Look = () => Promise<Seen>;

/** libvirt announced a state of this machine; `begins` as in `Stopped Shutdown`. */
export const announced =
  ({ observer }: Eyes, { name }: Machine, begins: string, sinceMs: number): Look =>
  async () => {
    const [event] = observer.lifecycle(name, begins, sinceMs);
    if (event) return { ok: true, saw: `${name} ${event.detail}`, atMs: event.atMs };
    return { ok: false, saw: `no "${begins}" of ${name}` };
  };

export const isState =
  ({ observer }: Eyes, machine: Machine, wanted: string): Look =>
  async () => {
    const state = await observer.state(machine.guest);
    return { ok: state === wanted, saw: `${machine.name} is ${state}` };
  };

const suspendedAtMs = (text: string | null | undefined): number | undefined =>
  typeof text === 'string' && text !== '' ? Date.parse(text) : undefined;

export const recordSuspended =
  ({ observer }: Eyes, { name, guest }: Machine): Look =>
  async () => {
    const record = await observer.record(name);
    const state = await observer.state(guest);
    const ok =
      record?.status === 'suspended' && suspendedAtMs(record.suspended_at) !== undefined && state === 'shut off';
    return { ok, saw: `record ${record?.status ?? 'absent'}, guest ${state}` };
  };

/** Running, agent answering, and the record carries exactly what the chain says. */
export const paidAndRunning =
  ({ observer, chain }: Eyes, { name, guest, id }: Machine): Look =>
  async () => {
    const [record, { expiresAtUnix }, state] = await Promise.all([
      observer.record(name),
      chain.subscription(id),
      observer.state(guest),
    ]);
    const inRecord = record === undefined ? 'nothing' : String(Date.parse(record.expires_at) / 1000);
    const exact = inRecord === String(expiresAtUnix);
    const active = record?.status === 'active' && suspendedAtMs(record.suspended_at) === undefined;
    const saw = `record ${record?.status ?? 'absent'} until ${inRecord}, chain says ${expiresAtUnix}, guest ${state}`;
    return { ok: exact && active && state === 'running', saw };
  };

/** Nothing of it is left where it was, and the record says so (D21). */
export const destroyed =
  ({ observer }: Eyes, { name, guest }: Machine): Look =>
  async () => {
    const [record, state, disk, cloudInit] = await Promise.all([
      observer.record(name),
      observer.state(guest),
      observer.exists(guest.disk),
      observer.exists(guest.cloudInitDir),
    ]);
    const ok = record?.status === 'destroyed' && state === 'absent' && !disk && !cloudInit;
    const there = (is: boolean): string => (is ? 'there' : 'gone');
    const saw = `record ${record?.status ?? 'absent'}, domain ${state}, disk ${there(disk)}, cloud-init ${there(cloudInit)}`;
    return { ok, saw };
  };

/** The record's own word for when grace began to count (C10). */
export const graceEndsMs = async ({ observer }: Eyes, machine: Machine, graceSeconds: number): Promise<number> => {
  const record = await observer.record(machine.name);
  const expiresMs = record === undefined ? machine.expiresAtMs : Date.parse(record.expires_at);
  return Math.max(expiresMs, suspendedAtMs(record?.suspended_at) ?? 0) + graceSeconds * 1000;
};

/** It has run all the time: no stop was announced since then, and it is running now. */
export const neverStopped =
  (eyes: Eyes, machine: Machine, sinceMs: number): Look =>
  async () => {
    const stops = eyes.observer.lifecycle(machine.name, 'Stopped', sinceMs);
    const state = await eyes.observer.state(machine.guest);
    const ok = stops.length === 0 && state === 'running';
    return { ok, saw: ok ? `${machine.name} runs on` : `${machine.name} is ${state}, stopped ${stops.length} times` };
  };
