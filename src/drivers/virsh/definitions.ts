import { isOn } from '../../domain/domain-state.ts';
import { explain, HypervisorError } from '../../domain/errors.ts';
import type { Uuid } from '../../domain/identity.ts';
import type { Hypervisor } from '../../ports/hypervisor.ts';
import { expectOff, expectOk, type HypervisorParts } from './hypervisor-parts.ts';
import { bareMachineElement, machineNamespace, machinePrefix } from './metadata-xml.ts';
import { inPrivateFile } from './private-file.ts';
import { hypervisorError, isNoSuchDomain } from './virsh-error.ts';
import type { VirshResult } from './virsh-result.ts';
import { childAt, parseXml } from './xml.ts';

type Definitions = Pick<
  Hypervisor,
  'definition' | 'define' | 'undefine' | 'writeMetadata' | 'setLink' | 'refreshPools'
>;

/** Everything that changes what libvirt has written down about a domain. */
export const createDefinitions = ({ shells, deadlines, run, look, log }: HypervisorParts): Definitions => {
  const timeoutMs = deadlines.changeTimeoutMs;
  const change = (...argv: string[]): Promise<VirshResult> => run(argv, { timeoutMs });

  /** Where a change has to go: into the definition, into the running machine, or both. */
  const scopes = async (uuid: Uuid, doing: string): Promise<readonly string[]> => {
    const domain = await look(uuid);
    if (domain === 'absent') throw absent(doing);
    return [...(domain.persistent ? ['--config'] : []), ...(isOn(domain) ? ['--live'] : [])];
  };

  const hasTpm = async (uuid: Uuid): Promise<boolean> => {
    const { stdout } = await shells.read(['dumpxml', uuid], { timeoutMs: deadlines.readTimeoutMs });
    return childAt(parseXml(stdout), 'devices', 'tpm') !== undefined;
  };

  return {
    definition: async (uuid) => {
      // Without --security-info the console's password would be missing in what is defined again.
      const argv = ['dumpxml', uuid, '--inactive', '--security-info'];
      const result = await shells.mutate(argv, { timeoutMs: deadlines.readTimeoutMs });
      return expectOk(`give the definition of domain ${uuid}`, result).stdout;
    },
    define: (xml) =>
      inPrivateFile(xml, async (path) => void expectOk('define a domain', await change('define', '--file', path))),
    undefine: async (uuid) => {
      if ((await expectOff(look, uuid, 'undefined')) === 'absent') return;
      // What NVRAM and vTPM hold belongs to the same machine, should it come back (D21).
      const result = await change('undefine', uuid, ...undefineFlags, '--keep-nvram', '--keep-tpm');
      if (result.ok) return;
      if (isNoSuchDomain(result) && (await look(uuid)) === 'absent') return;
      // libvirt's test driver knows neither, libvirt before 8.9 no vTPM's.
      if (!isUnsupported(result)) throw hypervisorError(`undefine domain ${uuid}`, result);
      if (await hasTpm(uuid)) log.warn({ uuid }, 'this libvirt cannot keep vTPM state: it is lost with the definition');
      const again = await change('undefine', uuid, ...undefineFlags, '--keep-nvram');
      if (again.ok) return;
      if (!isUnsupported(again)) throw hypervisorError(`undefine domain ${uuid}`, again);
      expectOk(`undefine domain ${uuid}`, await change('undefine', uuid, ...undefineFlags));
    },
    writeMetadata: async (uuid, metadata) => {
      const element = bareMachineElement(metadata);
      const doing = `write the metadata of domain ${uuid}`;
      const argv = ['metadata', uuid, machineNamespace, '--key', machinePrefix, '--set', element];
      expectOk(doing, await change(...argv, ...(await scopes(uuid, doing))));
    },
    setLink: async (uuid, mac, up) => {
      const doing = `set the link of ${mac} in domain ${uuid}`;
      for (const scope of await scopes(uuid, doing)) {
        const config = scope === '--config' ? ['--config'] : []; // the live machine is meant where nothing is said
        expectOk(doing, await change('domif-setlink', uuid, mac, up ? 'up' : 'down', ...config));
      }
    },
    refreshPools: async () => {
      const pools = await shells.read(['pool-list', '--name'], { timeoutMs: deadlines.readTimeoutMs });
      for (const name of pools.stdout.split('\n').map((line) => line.trim())) {
        if (name === '') continue;
        const said = await change('pool-refresh', '--pool', name).then(({ stderr }) => stderr.trim(), explain);
        if (said !== '') log.debug({ pool: name, said }, 'storage pool not refreshed');
      }
    },
  };
};

const isUnsupported = ({ stderr }: VirshResult): boolean => /unsupported flags|doesn't support option/.test(stderr);

const undefineFlags = ['--managed-save', '--snapshots-metadata', '--checkpoints-metadata'];

const absent = (doing: string): HypervisorError =>
  new HypervisorError(`libvirt did not ${doing}: there is no such domain`, { code: 'domain-absent', retryable: true });
