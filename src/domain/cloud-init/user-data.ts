import type { SeedRequest } from './seed-request.ts';
import { substitute } from './substitute.ts';
import { gecosOf, variablesOf } from './variables.ts';

/**
 * What a guest gets where no template is installed: its user, who can log in with the operator's keys, and an agent. The
 * agent is started by whatever init the image has; an image without it is served all the same.
 */
const BUILT_IN = `#cloud-config
hostname: "\${VM_NAME}"
fqdn: "\${VM_FQDN}"
users:
  - name: "\${USERNAME}"
    gecos: "wallet=\${WALLET_ADDRESS},nft=\${NFT_TOKEN_ID}"
    groups: sudo
    shell: /bin/bash
    sudo: ALL=(ALL) NOPASSWD:ALL
    lock_passwd: true
    ssh_authorized_keys: \${SSH_KEYS}
ssh_pwauth: false
runcmd:
  - [sh, -c, "systemctl enable --now qemu-guest-agent || service qemu-guest-agent start || true"]
`;

/** Forms that can stand beside another part; a MIME archive and the like are their author's own affair. */
const CAN_BE_JOINED = /^#(?:cloud-config[ \t]*\r?$|!)/m;

/**
 * The user-data. Where the text does not set the account's comment by itself, a second part does, once the user is there:
 * without it nobody could prove whose machine it is.
 */
export const userDataOf = ({ machine, settings, userData }: SeedRequest): string => {
  const text =
    userData.kind === 'rendered'
      ? userData.text
      : substitute(userData.kind === 'template' ? userData.text : BUILT_IN, variablesOf(machine, settings));
  const gecos = gecosOf(machine);
  if (text.toLowerCase().includes(gecos.toLowerCase())) return text;
  const firstLine = text.slice(0, text.search(/\n|$/));
  return CAN_BE_JOINED.test(firstLine) ? withComment(text, machine.username, gecos) : text;
};

/** JSON is YAML. The parts' kinds are known by their first lines; user and comment hold nothing that a shell would read. */
const withComment = (text: string, username: string, gecos: string): string => {
  const script = `#!/bin/sh\nid '${username}' >/dev/null 2>&1 || exit 0\nexec usermod -c '${gecos}' '${username}'\n`;
  const parts = [{ content: text }, { content: script, filename: 'account-comment.sh' }];
  return `#cloud-config-archive\n${JSON.stringify(parts, undefined, 1)}\n`;
};
