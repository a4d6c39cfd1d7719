/** Reads the JSON body of a request within limits of size and time. */
import type { IncomingMessage } from 'node:http';
import { ApiError } from './api-error.ts';
import { type Fields, kindOf } from './fields.ts';

export interface BodyLimits {
  /** Bytes. */
  size: number;
  /** Milliseconds until the last byte must have come. */
  time: number;
}

/** Throws ApiError: 400 for what is not a JSON object in UTF-8, 408 too slow, 413 too large, 415 not declared JSON. */
export async function readFields(request: IncomingMessage, limits: BodyLimits): Promise<Fields> {
  // A form or plain text may be sent by any page without a preflight; JSON may not.
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new ApiError(415, 'The body must be JSON: send the header "Content-Type: application/json".', {
      closes: true,
    });
  }
  const bytes = await readBytes(request, limits);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ApiError(400, `The body is not JSON in UTF-8: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ApiError(400, `The body must be a JSON object, but it is ${kindOf(value)}.`);
  }
  return value as Fields;
}

function readBytes(request: IncomingMessage, { size, time }: BodyLimits): Promise<Buffer> {
  const tooLarge = () => new ApiError(413, `The body is larger than ${size} bytes.`, { closes: true });
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > size) return reject(tooLarge());
    const chunks: Buffer[] = [];
    let length = 0;
    const fail = (error: ApiError) => {
      clearTimeout(timer);
      request.pause();
      reject(error);
    };
    const timer = setTimeout(
      () => fail(new ApiError(408, `The body did not come within ${time / 1000} s.`, { closes: true })),
      time,
    );
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > size) fail(tooLarge());
      else chunks.push(chunk);
    });
    request.on('end', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks));
    });
    request.on('close', () => fail(new ApiError(400, 'The connection ended within the body.', { closes: true })));
  });
}
