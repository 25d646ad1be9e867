export {
  DEFAULT_CACHE_BYTES,
  DEFAULT_MAX_STEPS,
  DEFAULT_MAX_TABS,
  DEFAULT_MEMORY_CACHE_BYTES,
  DEFAULT_STEP_CAPTURE_BYTES,
  DEFAULT_STEP_TABLE_BYTES,
  DEFAULT_STEP_TIMEOUT_MS,
  DEFAULT_STEP_VALUE_BYTES,
} from './defaults.js';
export { RenderCanceledError, RendererClosedError, TableGoneError } from './errors.js';
export { Renderer } from './renderer.js';
export type { Place } from '../lib/index.js';
export { StoreError } from './store/errors.js';
export { folderStore, type FolderStoreOptions } from './store/folder-store.js';
export { openStore } from './store/open-store.js';
export { s3Store, type S3Credentials, type S3StoreOptions } from './store/s3-store.js';
export type { ObjectStore, PutOptions, StoreCallOptions, StoredObject, TableRef } from './store/types.js';
export { DEFAULT_DRAIN_MS, DEFAULT_LOCK_MS } from './workers/defaults.js';
export { BadJobError, QueueError } from './workers/errors.js';
export { StatusServer, type StatusServerOptions } from './workers/http.js';
export type { TenantRateLimit, WorkerOptions, WorkerStats } from './workers/types.js';
export { RendererWorker } from './workers/worker.js';
export type {
  CacheOptions,
  CallReport,
  CloseOptions,
  FetchOptions,
  Logger,
  Message,
  MessageCode,
  ParamField,
  ParamSpec,
  QueueOptions,
  RendererOptions,
  RendererStats,
  RenderEvent,
  Rendering,
  RenderOptions,
  Report,
  Step,
  StepCall,
  StepLimits,
  StepReport,
  StepReportBase,
  StepTable,
  Tab,
  Validation,
  Workflow,
} from './types.js';
