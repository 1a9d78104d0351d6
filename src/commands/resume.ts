import { type ResumeOptions, resumeMachine } from '../operations/explicit/resume.ts';
import { mockResume } from '../operations/mock/mock-resume.ts';
import { mockDeps } from './mock.ts';
import { runCommand } from './run-command.ts';
import { runExplicit } from './run-explicit.ts';

const NAME = 'blockhost-vm-resume';

/** `resume <name>` (contract §2, D15). */
export const resume = (
  name: string,
  { mock, ...options }: ResumeOptions & { readonly mock: boolean },
): Promise<void> =>
  mock
    ? runCommand(NAME, async (context) => {
        await mockResume(mockDeps(context, 0), name, options);
        return 0;
      })
    : runExplicit(NAME, (ctx) => resumeMachine(ctx, name, options));
