import { describe, expect, test } from 'vitest';
import type { CorpusLanguage } from '../../../engine/training/corpus/language.ts';
import {
  cleanText,
  headFault,
  isExcludedPath,
  isTestPath,
  textFault,
} from '../../../engine/training/corpus/quality.ts';
import { entropy, hasSecret } from '../../../engine/training/corpus/secrets.ts';

const code = 'export function add(first: number, second: number): number {\n  return first + second;\n}\n\n'.repeat(5);
const fault = (text: string, language: CorpusLanguage = 'typescript') =>
  textFault(text, new TextEncoder().encode(text).length, language);

describe('faults of a text', () => {
  test('code that a person wrote has none', () => {
    expect(fault(code)).toBeUndefined();
    expect(fault(code, 'javascript')).toBeUndefined();
  });

  test.each([
    ['too-small', 'let a = 1;\n', 'typescript'],
    ['too-large', code.repeat(500), 'typescript'],
    ['long-lines', `${code}const x = "${'word '.repeat(120)}";\n`, 'typescript'],
    ['compiled', `Object.defineProperty(exports, "__esModule", { value: true });\n${code}`, 'javascript'],
    ['data', `export const table = [\n${'  0x1f, 0x2e, 0x3d,\n'.repeat(40)}];\n`, 'typescript'],
    ['encoded', `${code}const font = [\n${`  '${'aGVsbG8w'.repeat(25)}',\n`.repeat(3)}];\n`, 'typescript'],
    ['repetitive', `${'register("circle");\nregister("square");\n'.repeat(60)}`, 'typescript'],
  ] as const)('%s', (reason, text, language) => {
    expect(fault(text, language)).toBe(reason);
  });

  test('what the head of a file says, before it is cleaned away', () => {
    expect(headFault(`// This file was automatically generated. Do not edit.\n${code}`)).toBe('generated');
    expect(headFault(`/*\n * GNU General\n * Public License, version 3\n */\n${code}`)).toBe('copyleft-header');
    expect(headFault(`// Copyright somebody, MIT licence\n${code}`)).toBeUndefined();
  });

  test('the marks of compilers count in JavaScript only', () => {
    expect(fault(`// about __esModule\n${code}`)).toBeUndefined();
  });

  test('secrets, each written in two parts here', () => {
    for (const secret of [
      ['-----BEGIN RSA PRIVATE', ' KEY-----'],
      ['AKIA', 'ABCDEFGHIJKLMNOP'],
      ['ghp_', 'a'.repeat(36)],
      ['sk_live_', '4eC39HqLyjWDarjtT1zdp7dc'],
      ['xoxb-', '1234567890-abcdefghij'],
    ]) {
      expect(fault(`${code}const key = '${secret.join('')}';\n`)).toBe('secret');
    }
  });
});

describe('secrets without a form of their own', () => {
  const value = ['q7Zr0Vd9', 'LxW2mT5kB8sN'].join('');
  test.each([
    `const apiKey = '${value}';`,
    `{"client_secret": "${value}"}`,
    `PASSWORD = "${value}"`,
    `const authToken: string = \`${value}\`;`,
  ])('%s', (line) => {
    expect(hasSecret(`${code}${line}\n`)).toBe(true);
  });

  test.each([
    `const apiKey = 'your-api-key-goes-here-1234';`,
    `const tokenKind = 'identifierOrKeyword12';`,
    `const password = 'correct horse battery staple';`,
    `const secretKey = 'aaaaaaaaaaaaaaaaaaaaaa11';`,
    `const accessToken = getAccessToken('${value}');`,
    `const id = '${value}';`,
  ])('not %s', (line) => {
    expect(hasSecret(`${code}${line}\n`)).toBe(false);
  });

  test('entropy is in bits for each sign', () => {
    expect(entropy('aaaa')).toBe(0);
    expect(entropy('abcd')).toBe(2);
    expect(entropy('aabb')).toBe(1);
  });
});

test('paths of others, of data and of translations are excluded', () => {
  const excluded = [
    'a/node_modules/b.js',
    'src/vendor/x.ts',
    'locale/de.js',
    'lib/a.min.js',
    'CHANGELOG.md',
    'foo_pb2.py',
  ];
  for (const path of [...excluded, 'test/fixtures/a.ts', 'x.dist-info/RECORD.json'])
    expect(isExcludedPath(path), path).toBe(true);
  for (const path of ['src/index.ts', 'src/vendors.ts', 'lib/minify.js', 'django/core/files.py']) {
    expect(isExcludedPath(path), path).toBe(false);
  }
});

test('tests are known by folder or name', () => {
  for (const path of ['src/a.test.ts', '__tests__/a.ts', 'pkg/tests/x.py', 'pkg/test_x.py', 'e2e/a.js'])
    expect(isTestPath(path), path).toBe(true);
  for (const path of ['src/latest.ts', 'src/contest/a.ts', 'pkg/testimony.py'])
    expect(isTestPath(path), path).toBe(false);
});

describe('cleaning', () => {
  test('takes away byte order mark, carriage returns and a licence comment', () => {
    expect(cleanText('\uFEFF/*\n * Copyright 2020 A\n */\r\n\r\nlet a;\r\n', 'typescript')).toBe('let a;\n');
    expect(cleanText('// Licensed under MIT\n// text\n\nlet a;\n', 'typescript')).toBe('let a;\n');
    expect(cleanText('#!/usr/bin/python3\n# Copyright A\n#\n# text\n\nimport os\n', 'python')).toBe(
      '#!/usr/bin/python3\nimport os\n',
    );
  });

  test('leaves other leading comments and later ones', () => {
    for (const [text, language] of [
      ['/** What this file does. */\nlet a;\n', 'typescript'],
      ['# -*- coding: utf-8 -*-\nimport os\n', 'python'],
      ['let a;\n// Copyright\n', 'typescript'],
    ] as const) {
      expect(cleanText(text, language)).toBe(text);
    }
  });
});
