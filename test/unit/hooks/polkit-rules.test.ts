import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { repositoryPath } from '../../lab/repository.ts';

type Rule = (
  action: { readonly id: string; lookup(key: string): string | undefined },
  subject: { readonly user: string },
) => string | undefined;

/** The rules as polkit loads them: a script that registers functions. */
const loadRules = (edit = (text: string): string => text): Rule => {
  const rules: Rule[] = [];
  const polkit = { addRule: (rule: Rule) => rules.push(rule), Result: { YES: 'yes', NO: 'no' } };
  runInNewContext(edit(readFileSync(repositoryPath('hooks/polkit/50-blockhost-provisioner.rules'), 'utf8')), {
    polkit,
  });
  const [rule] = rules;
  if (rule === undefined || rules.length > 1) throw new Error(`${rules.length} rules`);
  return rule;
};
const rule = loadRules();
const decide = (what: string, details: Readonly<Record<string, string>> = {}, user = 'blockhost', by = rule) =>
  by({ id: `org.libvirt.${what}`, lookup: (key) => details[key] }, { user });
const onDomain = (verb: string, name: string, by = rule) =>
  decide(`api.domain.${verb}`, { domain_name: name }, 'blockhost', by);

const CHANGES = ['write', 'save', 'delete', 'start', 'stop', 'suspend', 'init-control', 'hibernate', 'read-secure'];

describe('the polkit rules', () => {
  it.each(CHANGES)('let %s reach machines of ours and no others', (verb) => {
    for (const name of ['blockhost-001', 'blockhost-1000', 'blockhost-probe-0a1b2c3d']) {
      expect(onDomain(verb, name)).toBe('yes');
    }
    for (const name of ['vpn', '', 'blockhost-', 'blockhost', 'xblockhost-001', 'Blockhost-001', ' blockhost-001']) {
      expect(onDomain(verb, name)).toBe('no');
    }
    expect(decide(`api.domain.${verb}`)).toBe('no'); // a call that names no machine
  });

  it('show every machine and pool, so that no disk of another is taken for nobody’s', () => {
    for (const verb of ['getattr', 'read']) expect(onDomain(verb, 'vpn')).toBe('yes');
    expect(decide('api.storage-pool.refresh', { pool_name: 'images' })).toBe('yes');
    expect(onDomain('read-secure', 'vpn')).toBe('no');
  });

  it('refuse what nobody here needs, with machines of ours too', () => {
    const verbs = ['migrate', 'core-dump', 'mem-read', 'open-namespace', 'open-device', 'screenshot', 'set-password'];
    for (const verb of verbs) expect(onDomain(verb, 'blockhost-001')).toBe('no');
  });

  it('take further prefixes and names, and an empty prefix for none', () => {
    const more = loadRules((text) =>
      text
        .replace("prefixes: ['blockhost-']", "prefixes: ['blockhost-', 'eu-', '']")
        .replace('names: []', "names: ['old']"),
    );
    for (const name of ['blockhost-001', 'eu-7', 'old']) expect(onDomain('start', name, more)).toBe('yes');
    for (const name of ['vpn', 'older', 'ol']) expect(onDomain('start', name, more)).toBe('no');
  });

  it.each([
    ['storage-vol.create', { pool_name: 'blockhost', vol_name: 'a.qcow2' }, { pool_name: 'images' }],
    ['storage-vol.delete', { pool_name: 'blockhost', vol_name: 'a.qcow2' }, { pool_name: 'images' }],
    ['nwfilter.write', { nwfilter_name: 'blockhost-clean' }, { nwfilter_name: 'clean-traffic' }],
    ['nwfilter.save', { nwfilter_name: 'blockhost-clean' }, {}],
    ['nwfilter-binding.create', { nwfilter_binding_filter: 'blockhost-clean' }, { nwfilter_binding_filter: 'a' }],
    ['nwfilter-binding.delete', { nwfilter_binding_filter: 'blockhost-clean' }, {}],
  ])('let %s reach what is ours', (what, ours, foreign) => {
    expect(decide(`api.${what}`, { ...ours })).toBe('yes');
    expect(decide(`api.${what}`, { ...foreign })).toBe('no');
  });

  it.each([
    ['unix.manage', 'yes'],
    ['api.connect.getattr', 'yes'],
    ['api.connect.read', 'yes'],
    ['api.connect.search-domains', 'yes'],
    ['api.storage-pool.search-storage-vols', 'yes'],
    ['api.storage-vol.read', 'yes'],
    ['api.connect.pm-control', 'no'],
    ['api.connect.write', 'no'],
    ['api.connect.search-secrets', 'no'],
    ['api.secret.read', 'no'],
    ['api.secret.getattr', 'no'],
    ['api.storage-pool.delete', 'no'],
    ['api.storage-vol.data-read', 'no'],
    ['api.node-device.detach', 'no'],
    ['api.network.delete', 'no'],
    ['api.what.comes-next', 'no'],
    ['something.else', 'no'],
  ])('answer %s with %s', (what, answer) => {
    expect(decide(what)).toBe(answer);
  });

  it('say nothing of other users and of what is not libvirt’s', () => {
    expect(decide('api.domain.start', { domain_name: 'blockhost-001' }, 'alice')).toBeUndefined();
    expect(decide('unix.manage', {}, 'root')).toBeUndefined();
    const reboot = { id: 'org.freedesktop.login1.reboot', lookup: () => undefined };
    expect(rule(reboot, { user: 'blockhost' })).toBeUndefined();
  });
});
