import { execa } from 'execa';

const device = 'shaped0';
/** What libvirt asks of tc for a card that is limited in both directions (virnetdevbandwidth.c). */
const commands = [
  'qdisc add dev DEV root handle 1: htb default 1',
  'class add dev DEV parent 1: classid 1:1 htb rate 100kbps',
  'qdisc add dev DEV parent 1:1 handle 2: sfq perturb 10',
  'filter add dev DEV parent 1:0 protocol all prio 1 handle 1 fw flowid 1',
  'qdisc add dev DEV ingress',
  'filter add dev DEV parent ffff: protocol all u32 match u32 0 0 police rate 100kbps burst 100kb mtu 64kb drop flowid :1',
].map((words) => `tc ${words.replace('DEV', device)}`);

/** Why this kernel limits no card's bandwidth, found out in a network namespace of its own; undefined where it can. */
export async function whyNoShaping(): Promise<string | undefined> {
  const script = ['set -e', `ip link add ${device} type bridge`, ...commands.map((one) => `did='${one}'; ${one}`)];
  const trap = `trap '[ $? = 0 ] || echo "the kernel refuses: $did"' EXIT`;
  const argv = ['--net', 'sh', '-c', [trap, ...script].join('\n')];
  const { exitCode, stdout, stderr } = await execa('unshare', argv, { reject: false });
  if (exitCode === 0) return undefined;
  const why = (stdout || stderr || 'no network namespace').split('\n')[0];
  return why?.trim();
}
