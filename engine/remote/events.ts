/** The data of server-sent events (WHATWG HTML, section 9.2), one after another, from a body of bytes. */

/** No event of a completion comes near it; a body without line breaks is none. */
const LONGEST_LINE = 2 ** 20;

/** Throws what `tooLong` makes when a line grows beyond any event. */
export async function* eventData(body: AsyncIterable<Uint8Array>, tooLong: () => Error): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() as string;
    if (rest.length > LONGEST_LINE) throw tooLong();
    for (const ended of lines) {
      const line = ended.endsWith('\r') ? ended.slice(0, -1) : ended;
      if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5));
      else if (line === '' && data.length > 0) {
        yield data.join('\n');
        data = [];
      }
    }
  }
}
