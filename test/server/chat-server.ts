/** An OpenAI-compatible server of this test alone, on the loopback: says what it is told to, piece by piece. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AskedChat {
  key: string | undefined;
  model: string;
  messages: { role: string; content: string }[];
  /** Whether the client broke the answer off. */
  brokenOff: boolean;
}

export interface ChatServer {
  url: string;
  asked: AskedChat[];
  dispose(): void;
}

/** `answer` gives the pieces of an answer; one that does not end keeps the stream open. */
export async function startChatServer(
  answer: (asked: AskedChat) => Iterable<string> | AsyncIterable<string>,
): Promise<ChatServer> {
  const asked: AskedChat[] = [];
  const server = createServer(async (request, response) => {
    if (request.url === '/v1/models') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ data: [{ id: 'glm-test', max_model_len: 8192 }, { id: 'glm-other' }] }));
      return;
    }
    let text = '';
    for await (const chunk of request) text += chunk;
    const { model, messages } = JSON.parse(text);
    const key = request.headers.authorization?.replace('Bearer ', '');
    const own: AskedChat = { key, model, messages, brokenOff: false };
    asked.push(own);
    response.once('close', () => {
      own.brokenOff = !response.writableEnded;
    });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const send = (delta: object, finish: string | null) =>
      response.write(`data: ${JSON.stringify({ choices: [{ delta, finish_reason: finish }] })}\n\n`);
    for await (const content of answer(own)) send({ content }, null);
    send({}, 'stop');
    response.end('data: [DONE]\n\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    dispose() {
      server.closeAllConnections();
      server.close();
    },
  };
}
