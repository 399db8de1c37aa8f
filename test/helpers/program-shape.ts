import { describeProgram } from '../../src/cli/command-line.ts';
import { type CommandShape, describeCommands } from '../../src/cli/completion/command-shape.ts';
import { openFakeEdge } from './fake-edge.ts';

/** Every command that there is, the program itself first. */
export function listCommands(): readonly CommandShape[] {
  return describeCommands(describeProgram({ edge: openFakeEdge().edge, ended: () => {} }));
}
