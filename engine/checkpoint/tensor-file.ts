/** A file of tensors, in whatever format: what the families ask of it. */
import type { Dtype } from './safetensors-header.ts';

export interface StoredInfo {
  name: string;
  dtype: Dtype;
  shape: number[];
}

/** Bytes [begin, end) of a tensor, within it. */
export interface ByteRange {
  begin: number;
  end: number;
}

export interface TensorFile {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, StoredInfo>;
  readonly metadata: Record<string, string>;
  /**
   * The bytes of one tensor, row after row, or those of `range`, in a buffer of their own (so any typed array can view
   * them), or in `space` where that is given and the file lends itself to it.
   */
  read(name: string, range?: ByteRange, space?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}
