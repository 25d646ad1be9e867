/** The errors of a Renderer. Match `code`, which is stable, and not the message. */
import { NodespawnerError } from '../lib/errors.js';

const REASONS = {
  superseded: 'a newer version of the workflow is rendered',
  closed: 'the Renderer was closed',
  canceled: 'the rendering was canceled',
} as const;

/** Why a rendering was canceled, unless a signal gave a reason: `ERR_RENDER_CANCELED`. */
export class RenderCanceledError extends NodespawnerError {
  declare readonly code: 'ERR_RENDER_CANCELED';
  readonly why: keyof typeof REASONS;

  constructor(why: keyof typeof REASONS) {
    super('ERR_RENDER_CANCELED', REASONS[why]);
    this.why = why;
  }
}

/** Nothing is rendered any more: `ERR_RENDERER_CLOSED`. */
export class RendererClosedError extends NodespawnerError {
  declare readonly code: 'ERR_RENDERER_CLOSED';

  constructor() {
    super('ERR_RENDERER_CLOSED', 'the Renderer was closed');
  }
}

/** A table was asked for whose report has been disposed of, or whose file was damaged: `ERR_TABLE_GONE`. */
export class TableGoneError extends NodespawnerError {
  declare readonly code: 'ERR_TABLE_GONE';

  constructor(message: string) {
    super('ERR_TABLE_GONE', message);
  }
}
