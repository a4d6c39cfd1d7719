/**
 * The directory of a zip archive, zip64 included, read as hostile input: offsets and sizes are checked against the file
 * before anything is read, and only members stored without compression are given, which is how PyTorch writes them.
 * Formats: APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16 and 4.5.3.
 */
import type { FileHandle } from 'node:fs/promises';
import { readBytes } from './file-bytes.ts';

export interface ZipMember {
  name: string;
  /** Bytes of its data. */
  size: number;
  /** Where its local header begins. */
  header: number;
}

const END = 0x06054b50;
const END_LENGTH = 22;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const LOCATOR_LENGTH = 20;
const MEMBER = 0x02014b50;
const MEMBER_LENGTH = 46;
const LOCAL = 0x04034b50;
const LOCAL_LENGTH = 30;
const LONGEST_COMMENT = 0xffff;
/** A checkpoint has a member for each tensor; the largest released ones have some thousands. */
const LARGEST_DIRECTORY = 8 << 20;
const IN_ZIP64 = 0xffffffff;

/** Members by name. Throws with the path when it is no such archive or a damaged one. */
export async function readZipDirectory(file: FileHandle, size: number, path: string): Promise<Map<string, ZipMember>> {
  const damaged = (what: string): Error =>
    new Error(`${path}: ${what}. The file is damaged or cut short: fetch it again.`);
  const tailLength = Math.min(size, END_LENGTH + LOCATOR_LENGTH + LONGEST_COMMENT);
  const tail = viewOf(await readBytes(file, size - tailLength, tailLength, path));
  let end = tailLength - END_LENGTH;
  while (
    end >= 0 &&
    !(tail.getUint32(end, true) === END && end + END_LENGTH + tail.getUint16(end + 20, true) === tailLength)
  )
    end--;
  if (end < 0) throw damaged('the directory of a zip archive is missing at its end');
  let count = tail.getUint16(end + 10, true);
  let length = tail.getUint32(end + 12, true);
  let start = tail.getUint32(end + 16, true);
  const locator = end - LOCATOR_LENGTH;
  if (locator >= 0 && tail.getUint32(locator, true) === LOCATOR_64) {
    const at = Number(tail.getBigUint64(locator + 8, true));
    if (!(at + 56 <= size)) throw damaged(`its zip64 record lies at byte ${at} of ${size}`);
    const record = viewOf(await readBytes(file, at, 56, path));
    if (record.getUint32(0, true) !== END_64) throw damaged('its zip64 record is not where it should be');
    count = Number(record.getBigUint64(32, true));
    length = Number(record.getBigUint64(40, true));
    start = Number(record.getBigUint64(48, true));
  }
  if (!(start + length <= size))
    throw damaged(`its directory would lie at bytes ${start} to ${start + length} of ${size}`);
  if (length > LARGEST_DIRECTORY)
    throw new Error(`${path}: a zip directory of ${length} bytes is too large to be that of a checkpoint.`);

  const bytes = await readBytes(file, start, length, path);
  const members = new Map<string, ZipMember>();
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + MEMBER_LENGTH > length) throw damaged(`its directory ends after ${index} of ${count} members`);
    const next = readMember(bytes.subarray(at), path, damaged);
    if (!(next.member.header + LOCAL_LENGTH + next.member.size <= size))
      throw damaged(`member ${JSON.stringify(next.member.name)} reaches beyond its end`);
    if (members.has(next.member.name))
      throw new Error(`${path}: the archive holds ${JSON.stringify(next.member.name)} twice.`);
    members.set(next.member.name, next.member);
    at += next.length;
  }
  return members;
}

/** Where a member's data begins, by its local header. */
export async function zipDataStart(file: FileHandle, size: number, member: ZipMember, path: string): Promise<number> {
  const local = viewOf(await readBytes(file, member.header, LOCAL_LENGTH, path));
  const start = member.header + LOCAL_LENGTH + local.getUint16(26, true) + local.getUint16(28, true);
  if (local.getUint32(0, true) !== LOCAL || start + member.size > size)
    throw new Error(
      `${path}: member ${JSON.stringify(member.name)} is not where the directory says. The file is damaged.`,
    );
  return start;
}

/** One entry of the directory, and how many bytes it takes there. */
function readMember(bytes: Uint8Array<ArrayBuffer>, path: string, damaged: (what: string) => Error) {
  const entry = viewOf(bytes);
  if (entry.getUint32(0, true) !== MEMBER) throw damaged('an entry of its directory does not begin as it should');
  const nameEnd = MEMBER_LENGTH + entry.getUint16(28, true);
  const extraEnd = nameEnd + entry.getUint16(30, true);
  const length = extraEnd + entry.getUint16(32, true);
  if (length > bytes.length) throw damaged('an entry of its directory is cut off');
  const name = new TextDecoder().decode(bytes.subarray(MEMBER_LENGTH, nameEnd));
  const where = `${path}: member ${JSON.stringify(name)}`;
  if (entry.getUint16(8, true) & 1) throw new Error(`${where} is encrypted; a checkpoint must not be.`);
  if (entry.getUint16(10, true) !== 0)
    throw new Error(
      `${where} is compressed, but PyTorch stores without compression. Save the checkpoint with torch.save again.`,
    );

  const fields = {
    size: entry.getUint32(24, true),
    stored: entry.getUint32(20, true),
    header: entry.getUint32(42, true),
  };
  const extra = viewOf(bytes.subarray(nameEnd, extraEnd));
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const end = at + 4 + extra.getUint16(at + 2, true);
    if (extra.getUint16(at, true) === 1) {
      let value = at + 4;
      for (const key of ['size', 'stored', 'header'] as const) {
        if (fields[key] !== IN_ZIP64) continue;
        if (value + 8 > Math.min(end, extra.byteLength))
          throw damaged(`member ${JSON.stringify(name)} lacks its zip64 sizes`);
        fields[key] = Number(extra.getBigUint64(value, true));
        value += 8;
      }
    }
    at = end;
  }
  if (fields.size !== fields.stored) throw damaged(`member ${JSON.stringify(name)} has two different sizes`);
  return { member: { name, size: fields.size, header: fields.header }, length };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
