import { describe, expect, it } from 'vitest';
import { isPublicEndpoint } from '../../../../src/domain/cloud-init/public-endpoint.ts';

describe('an endpoint that guests may know (C12)', () => {
  it.each([
    'https://two.example',
    'https://two.example/',
    'http://127.0.0.1:8545',
    'http://[fd00::1]:8545/',
    'https://rpc.example/v1',
    'https://rpc.example/eth/rpc',
    'https://ethereum-sepolia-rpc.node.example',
  ])('has nothing in it that could be a key: %s', (url) => {
    expect(isPublicEndpoint(url)).toBe(true);
  });

  it.each([
    'https://one.example/v3/abcdefghijklmnop',
    'https://one.example/v2/Ab3dEf9',
    'https://one.example/k3y/',
    'https://user:pw@one.example',
    'https://user@one.example/',
    'https://one.example/?apikey=x',
    'https://one.example/v1#x',
    'https://user:pa/ss@one.example',
    'https://0123456789abcdef0123456789abcdef.eth.example/',
    'https://one.example/v1/%73ecretsecret',
    'not a URL',
  ])('has neither user, query nor what may be a key: %s is withheld', (url) => {
    expect(isPublicEndpoint(url)).toBe(false);
  });
});
