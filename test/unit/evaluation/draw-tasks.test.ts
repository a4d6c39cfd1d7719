import { describe, expect, it } from 'vitest';
import { drawTasks } from '../../../engine/evaluation/draw-tasks.ts';
import { drawnKinds, taskLanguages } from '../../../engine/evaluation/task.ts';
import { documentsOf, sourceFile } from './documents.ts';

const files = Array.from({ length: 60 }, (_, index) => ({
  text: sourceFile(index),
  language: [...taskLanguages, 'other'][index % 4] as string,
}));
const documents = documentsOf(files);
const tasks = drawTasks(documents, { perKind: 32, seed: 5 });

describe('drawing tasks', () => {
  it('gives every kind its number, the languages equally many', () => {
    for (const kind of drawnKinds) {
      const own = tasks.filter((task) => task.kind === kind);
      const counts = taskLanguages.map((language) => own.filter((task) => task.language === language).length);
      expect(counts).toEqual([11, 11, 10]);
    }
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(tasks.length);
  });

  it('cuts real places out of real documents of the language', () => {
    for (const { path, language, package: name, before, expected, after } of tasks) {
      const index = files.findIndex(({ text }) => text === before + expected + after);
      expect(files[index]?.language).toBe(language);
      expect(documents.origin(index)).toMatchObject({ path, package: name });
      expect(expected.trim()).not.toBe('');
      // No half of a surrogate pair at any border.
      for (const part of [before, expected, after]) expect(() => encodeURIComponent(part)).not.toThrow();
    }
  });

  it('keeps each kind to its shape', () => {
    for (const { kind, before, expected, after } of tasks) {
      const line = before.slice(before.lastIndexOf('\n') + 1);
      const endsLine = after === '' || after.startsWith('\n');
      switch (kind) {
        case 'rest of line':
          expect(line.trim()).not.toBe('');
          expect(expected).not.toContain('\n');
          expect(endsLine).toBe(true);
          break;
        case 'whole line':
          expect(line.trim()).toBe('');
          expect(expected).not.toContain('\n');
          expect(expected[0]?.trim()).not.toBe('');
          expect(endsLine).toBe(true);
          break;
        case '2-8 lines': {
          expect(line.trim()).toBe('');
          const lines = expected.split('\n');
          expect(lines.length).toBeGreaterThanOrEqual(2);
          expect(lines.length).toBeLessThanOrEqual(8);
          expect(lines.at(-1)?.trim()).not.toBe('');
          expect(endsLine).toBe(true);
          break;
        }
        default:
          expect(expected).not.toContain('\n');
      }
    }
    const lengths = tasks.filter(({ kind }) => kind === '2-8 lines').map(({ expected }) => expected.split('\n').length);
    expect(new Set(lengths).size).toBeGreaterThan(3);
  });

  it('repeats with the seed, differs with another, and keeps tasks when more are asked for', () => {
    expect(drawTasks(documents, { perKind: 32, seed: 5 })).toEqual(tasks);
    expect(drawTasks(documents, { perKind: 32, seed: 6 })).not.toEqual(tasks);
    const more = new Map(drawTasks(documents, { perKind: 60, seed: 5 }).map((task) => [task.id, task]));
    for (const task of tasks) expect(more.get(task.id)).toEqual(task);
  });

  it('uses every document once for a kind before any twice', () => {
    for (const kind of drawnKinds) {
      for (const language of taskLanguages) {
        const own = tasks.filter((task) => task.kind === kind && task.language === language);
        expect(new Set(own.map(({ path }) => path)).size).toBe(own.length);
      }
    }
    const few = documentsOf(files.slice(0, 3));
    expect(drawTasks(few, { perKind: 12, seed: 1 })).toHaveLength(12 * drawnKinds.length);
  });

  it('says which kind and language it found no place for', () => {
    const without = documentsOf(files.filter(({ language }) => language !== 'python'));
    expect(() => drawTasks(without, { perKind: 3, seed: 1 })).toThrow(/"rest of line" in 0 python documents/);
    const blank = documentsOf([...files, { text: '\n\n   \n', language: 'python' }].filter((_, i) => i % 4 !== 2));
    expect(() => drawTasks(blank, { perKind: 3, seed: 1 })).toThrow(/in 1 python documents/);
  });
});
