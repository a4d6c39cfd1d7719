/** The engine's one door to the addon: runtimes and trainers come through here. */
export {
  type AdamWOptions,
  type ExecutionOptions,
  loadAddon,
  type ModelExecution,
  type NativeBatch,
  type NativeModel,
  type NativeSession,
  type NativeStep,
  type NativeTrainer,
  ROWS_TOGETHER,
  type RowLosses,
  type StoredFloats,
  type TrainerVector,
} from '../native/index.ts';
