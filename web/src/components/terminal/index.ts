import type { Link } from '../../live/link';
import type { Task } from '../../protocol/messages';
import { OutputController, type OutputOptions } from './OutputController';

export { KeyRow } from './KeyRow';
export type { OutputKey } from './keys';
export { OutputView } from './OutputView';
export type { OutputViewState } from './outputView';
export type { Look } from './TerminalScreen';
export type { OutputController, OutputOptions };

/** A task's output, to be shown by `OutputView` and steered by whatever is around it. */
export function createOutputController(
  client: { readonly link: Link },
  task: Task,
  options: OutputOptions,
): OutputController {
  return new OutputController(client, task, options);
}
