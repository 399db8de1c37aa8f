import { AgentError } from '../errors.ts';
import type { Done, SetupStep } from './step.ts';

/**
 * Makes what is not there. What is there and differs stays, unless `force` is given; what is there and is as wanted is
 * not written, so that a second run changes nothing. Where a path is taken by something else, nothing more is done.
 *
 * @param tell gets each result as soon as it is known: a failure later on does not make undone what was made.
 * @throws AgentError of the first refusal.
 */
export async function applySteps<Admin>(
  steps: readonly SetupStep<Admin>[],
  admin: Admin,
  { force, tell }: { readonly force: boolean; readonly tell: (done: Done) => void },
): Promise<readonly Done[]> {
  const all: Done[] = [];
  for (const step of steps) {
    const done = await applyStep(step, admin, force).catch((thrown: unknown) => {
      const error = AgentError.from(thrown);
      throw new AgentError(error.code, `${step.what}: ${error.message}`, {
        cause: error,
        ...(error.remedy !== undefined && { remedy: error.remedy }),
      });
    });
    all.push(done);
    tell(done);
    // What comes next would be written into something else.
    if (done.result === 'differs' && !step.canChange) break;
  }
  return all;
}

async function applyStep<Admin>(step: SetupStep<Admin>, admin: Admin, force: boolean): Promise<Done> {
  const { what } = step;
  const found = await step.look(admin);
  switch (found.state) {
    case 'as wanted':
      return { what, result: 'unchanged', notes: [] };
    case 'waits':
      return force ? finish(step, admin, 'made') : { what, result: 'waits', notes: [found.forWhat] };
    case 'absent':
      return finish(step, admin, 'made');
    case 'differs':
      return force && step.canChange
        ? finish(step, admin, 'changed')
        : { what, result: 'differs', notes: found.differences };
    default:
      return found satisfies never;
  }
}

async function finish<Admin>(step: SetupStep<Admin>, admin: Admin, result: 'made' | 'changed'): Promise<Done> {
  const note = await step.make(admin);
  // Something may be missing that others have to do.
  const { state } = note === undefined ? { state: 'as wanted' } : await step.look(admin);
  return { what: step.what, result: state === 'waits' ? 'waits' : result, notes: note === undefined ? [] : [note] };
}
