/** What a client is told when its request is not served: a status and a body in OpenAI's shape. */
export class ApiError extends Error {
  readonly status: number;
  /** The field that was wrong, where there is one. */
  readonly param: string | null;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter: number | undefined;
  /** The connection cannot go on, e.g. because the body was not read to its end. */
  readonly closes: boolean;

  constructor(
    status: number,
    message: string,
    { param, retryAfter, closes }: { param?: string; retryAfter?: number; closes?: boolean } = {},
  ) {
    super(message);
    this.status = status;
    this.param = param ?? null;
    this.retryAfter = retryAfter;
    this.closes = closes ?? false;
  }

  body(): { error: { message: string; type: string; param: string | null; code: string } } {
    const { type, code } = KINDS[this.status] ?? { type: 'invalid_request_error', code: 'invalid_request' };
    return { error: { message: this.message, type, param: this.param, code } };
  }
}

const KINDS: Readonly<Record<number, { type: string; code: string }>> = {
  401: { type: 'authentication_error', code: 'invalid_api_key' },
  403: { type: 'permission_error', code: 'forbidden' },
  404: { type: 'not_found_error', code: 'not_found' },
  429: { type: 'rate_limit_error', code: 'queue_full' },
  500: { type: 'server_error', code: 'model_failed' },
  503: { type: 'server_error', code: 'unavailable' },
};
