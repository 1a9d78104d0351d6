import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { repositoryPath } from '../lab/repository.ts';

/* /usr/share/blockhost/provisioner.json: the one place where the host's programs look for a provisioner. */

const executable = z.string().regex(/^blockhost-[a-z-]+$/);
const absolutePath = z.string().regex(/^\/[^\s]+$/);

/** As the contract has it, with the two verbs that engines call beyond its twelve, and the colour of the wizard's page. */
const schema = z.strictObject({
  name: z.string().regex(/^\S+$/),
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  display_name: z.string().min(1),
  accent_color: z.string().regex(/^#[0-9a-f]{6}$/),
  commands: z.strictObject({
    create: executable,
    destroy: executable,
    start: executable,
    stop: executable,
    kill: executable,
    status: executable,
    list: executable,
    metrics: executable,
    throttle: executable,
    'build-template': executable,
    gc: executable,
    resume: executable,
    'update-gecos': executable,
    'guest-exec': executable,
  }),
  setup: z.strictObject({
    first_boot_hook: absolutePath,
    detect: executable,
    wizard_module: z.string().regex(/^[a-z_]+(\.[a-z_]+)+$/),
    finalization_steps: z.array(z.string().regex(/^[a-z_]+$/)).min(1),
  }),
  root_agent_actions: absolutePath.regex(/\.py$/),
  config_keys: z.strictObject({
    session_key: z.string().min(1),
    provisioner_config: z.array(z.string().regex(/^[a-z_]+$/)).min(1),
  }),
});

const manifest = schema.parse(JSON.parse(readFileSync(repositoryPath('provisioner.json'), 'utf8')));

it('the manifest names what hosts rely on by these words', () => {
  expect(manifest).toMatchObject({
    name: 'libvirt',
    display_name: 'libvirt/KVM + cloud-init',
    setup: {
      first_boot_hook: '/usr/share/blockhost/provisioner-hooks/first-boot.sh',
      detect: 'blockhost-provisioner-detect',
      wizard_module: 'blockhost.provisioner_libvirt.wizard',
      finalization_steps: ['storage', 'network', 'db_config', 'template'],
    },
    root_agent_actions: '/usr/share/blockhost/root-agent-actions/virsh.py',
    config_keys: {
      session_key: 'libvirt',
      provisioner_config: ['db_file', 'storage_pool', 'storage_path', 'bridge', 'gc_grace_days', 'ip_pool'],
    },
  });
});

it('the manifest calls each verb by a program of ours that bears its name', () => {
  const named = (verb: string): string => (verb === 'build-template' ? `blockhost-${verb}` : `blockhost-vm-${verb}`);
  const programs = readdirSync(repositoryPath('cli')).filter((name) => name.startsWith('blockhost-'));
  for (const [verb, command] of Object.entries({ ...manifest.commands })) {
    expect(command).toBe(named(verb));
    expect(programs).toContain(`${command}.ts`);
  }
  expect(programs).toContain(`${manifest.setup.detect}.ts`);
});

// Read, not run: importing it wants the installer's libraries.
const READS_STEPS = `
import ast, sys
nodes = [node for path in sys.argv[1:] for node in ast.walk(ast.parse(open(path).read()))]
[steps] = [node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == 'get_finalization_steps']
[listed] = [node.value for node in ast.walk(steps) if isinstance(node, ast.Return)]
print(*[entry.elts[0].value for entry in listed.elts])
`;
const wizard = repositoryPath('hooks', 'wizard');

it.skipIf(!existsSync(wizard))('the wizard takes the steps that the manifest names, in that order', () => {
  const modules = readdirSync(wizard).filter((name) => name.endsWith('.py'));
  const printed = execFileSync('python3', ['-c', READS_STEPS, ...modules], { encoding: 'utf8', cwd: wizard });
  expect(printed.trim().split(' ')).toEqual(manifest.setup.finalization_steps);
});
