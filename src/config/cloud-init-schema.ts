import { isIP } from 'node:net';
import * as z from 'zod';
import { absolutePath, httpUrl, plainName } from './leaves.ts';

const PUBLIC_KEY = /^[a-z0-9@.-]+ [A-Za-z0-9+/]+=*(?: [\w@.+=/-]{0,100})?$/;

/** `cloud_init:` in provisioner.yaml. */
export const cloudInitSchema = z.strictObject(
  {
    template: plainName('the name of a file')
      .optional()
      .describe('The template that new guests get (nft-auth.yaml); where there is none, a minimal one that ships'),
    template_dirs: z
      .array(absolutePath, { error: 'a list of absolute paths' })
      .optional()
      .describe("Searched before the host's own templates"),
    ssh_keys: z
      .array(z.string({ error: 'an OpenSSH public key' }).regex(PUBLIC_KEY, { error: 'an OpenSSH public key' }), {
        error: 'a list of OpenSSH public keys',
      })
      .optional()
      .describe("Public keys that templates may let into every guest's account (none)"),
    nameservers: z
      .array(
        z.string({ error: 'an address' }).refine((text) => isIP(text) !== 0, { error: 'an address' }),
        { error: 'a list of addresses' },
      )
      .optional()
      .describe('What guests resolve names with (1.1.1.1, 9.9.9.9)'),
    rpc_url: httpUrl
      .optional()
      .describe(
        "RPC_URL of templates; without it the engine's where nothing in that can be a key, else none; never one of ours",
      ),
  },
  { error: 'the keys template, template_dirs, ssh_keys, nameservers and rpc_url' },
);
