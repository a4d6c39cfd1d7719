/** The ways of running one model on this processor, each with what it takes. */
import type { QuantGroup } from '../checkpoint/quantization.ts';
import type { ModelFolder } from '../model/load.ts';
import type { CacheKind } from '../onnx/glm-graph.ts';
import { PRECISIONS, type Precision } from '../onnx/weights.ts';
import { NATIVE_PRECISIONS, type NativeForm, type NativePrecision, nativeDemand, onnxDemand } from './demand.ts';
import type { Way } from './fit.ts';

type Shape = Pick<ModelFolder, 'path' | 'config' | 'bits'>;

export interface NativeWay extends Way {
  form: NativeForm;
}

export interface OnnxWay extends Way {
  precision: Precision;
}

export function nativeWay({ config }: Shape, form: NativeForm, context: number): NativeWay {
  return { name: `native ${form.precision}`, form, demand: nativeDemand(config, form, context) };
}

/** The scales' columns where nothing was stored yet. */
function usualGroup(precision: NativePrecision): QuantGroup {
  return precision === 'int4' ? 32 : 'row';
}

/** All native ways; `form` is the one that is chosen. A quantised folder is not offered in other precisions. */
export function nativeWays(folder: Shape, form: NativeForm, context: number): NativeWay[] {
  const { path, bits } = folder;
  return NATIVE_PRECISIONS.filter((precision) => bits === undefined || precision === `int${bits}`).map((precision) => {
    const own = precision === form.precision;
    const way = nativeWay(folder, own ? form : { ...form, precision, group: usualGroup(precision) }, context);
    const quantized = precision === 'int8' || precision === 'int4';
    return quantized && bits === undefined
      ? { ...way, how: `cloze quantize ${path} --to ${precision} --out ${path}-${precision}` }
      : way;
  });
}

/** The ways of onnxruntime; precisions that the model's shape does not allow are left out. */
export function onnxWays({ config }: Shape, provider: string, cache: CacheKind, context: number): OnnxWay[] {
  return PRECISIONS.flatMap((precision: Precision): OnnxWay[] => {
    try {
      const demand = onnxDemand(config, { precision, cache }, context);
      return [
        {
          name: `onnx-${provider} ${precision}`,
          precision,
          demand,
          how: `--runtime onnx-${provider} --precision ${precision}`,
        },
      ];
    } catch {
      return [];
    }
  });
}
