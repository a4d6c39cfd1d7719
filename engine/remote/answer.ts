/** What a server answers, as checked objects: the events of a stream, or the one object of a server that does not stream. */
import { type Answer, type Connection, firstText } from './connection.ts';
import { eventData } from './events.ts';

/** Of an answer that is not a stream. */
const LARGEST_ANSWER = 2 ** 22;

/** `undefined` stands for `[DONE]`, with which OpenAI's streams end. Throws RemoteFailure. */
export async function* answeredEvents(answer: Answer, connection: Connection): AsyncGenerator<object | undefined> {
  const { contentType, body } = answer;
  if (contentType === 'application/json') {
    yield understand(await firstText(body, LARGEST_ANSWER), connection);
    return;
  }
  if (contentType !== 'text/event-stream') {
    throw connection.failure(`answered with ${contentType || 'no content type'}, not with events: is the URL right?`);
  }
  const tooLong = () => connection.failure('sent an event without end.');
  for await (const data of eventData(body, tooLong)) {
    yield data === '[DONE]' ? undefined : understand(data, connection);
  }
}

function understand(data: string, connection: Connection): object {
  let event: unknown;
  try {
    event = JSON.parse(data);
  } catch {
    throw connection.failure('sent an event that is not JSON.', { retryable: true });
  }
  const { error } = (event ?? {}) as { error?: { message?: string } };
  if (error) throw connection.failure(`failed: ${error.message ?? JSON.stringify(error)}`, { retryable: true });
  if (typeof event !== 'object' || event === null) throw connection.failure('sent an event that is no object.');
  return event;
}
