import { answerLines, type CreateAnswer } from '../domain/create-answer.ts';
import { parseCreateRequest, type RawCreateRequest } from '../domain/create-request.ts';
import { createParts } from '../host/create-parts.ts';
import { hostAddresses } from '../host/host-addresses.ts';
import { openCommandHost } from '../host/open-command-host.ts';
import { openMockRecords, withMockAllocation } from '../host/open-mock-records.ts';
import { createMachine, planCreate } from '../operations/create/create.ts';
import { CREATE_PATIENCE, type CreateDeps } from '../operations/create/create-deps.ts';
import { createMock, type MockDeps } from '../operations/create/create-mock.ts';
import { type CommandContext, runCommand } from './run-command.ts';

const NAME = 'blockhost-vm-create';

const RPC_WITHHELD =
  "note: the engine's endpoint may carry a key, so the guest's RPC_URL is empty; set cloud_init.rpc_url in provisioner.yaml";

const print = ({ config, out }: CommandContext, answer: CreateAnswer): void => {
  for (const line of answerLines(answer, config.resultSentinel)) out(line);
};

const onMock = async (context: CommandContext, request: ReturnType<typeof parseCreateRequest>): Promise<number> => {
  const { config, clock, log, tell } = context;
  const deps: MockDeps = {
    records: openMockRecords({ clock, log }),
    withAllocation: withMockAllocation,
    clock,
    ...createParts(context),
    hostAddresses,
    pool: config.ipPool,
    tell,
  };
  print(context, await createMock(deps, request));
  return 0;
};

const onHost = async (context: CommandContext, request: ReturnType<typeof parseCreateRequest>): Promise<number> => {
  const { config, paths, clock, log, tell, by, stop } = context;
  if (config.guest.rpcWithheld && request.cloudInitContent === undefined) tell(RPC_WITHHELD);
  const host = await openCommandHost({ config, paths, clock, log, onlyLooks: !request.apply });
  try {
    const deps: CreateDeps = {
      ...host.deps,
      ...createParts(context),
      patience: request.apply ? CREATE_PATIENCE : { chainMs: 0, noneMs: 0, agentMs: 0 },
      tell,
      by,
      stop,
    };
    print(context, await (request.apply ? createMachine : planCreate)(deps, request));
    return 0;
  } finally {
    await host.close();
  }
};

/** `create <name> …`: one line of JSON on stdout, exit 0; or nothing there, a sentence on stderr, exit 1 (contract §2). */
export const create = (raw: RawCreateRequest): Promise<void> =>
  runCommand(NAME, (context) => {
    const { config } = context;
    const request = parseCreateRequest(raw, {
      expiryDays: config.defaultExpiryDays,
      walletPattern: config.walletPattern,
      engineMints: config.createdByEngine,
    });
    return (request.mock ? onMock : onHost)(context, request);
  });
