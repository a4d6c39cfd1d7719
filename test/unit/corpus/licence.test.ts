import { expect, test } from 'vitest';
import {
  debianLicence,
  isPermissive,
  packageJsonLicence,
  statesCopyleft,
} from '../../../engine/training/corpus/licence.ts';

test.each([
  ['MIT', true],
  ['Apache-2.0', true],
  ['(MIT OR CC0-1.0)', true],
  ['Apache-2.0 AND MIT', true],
  ['Apache-2.0 or Expat', true],
  ['BSD-3-clause', true],
  ['GPL-3.0-only OR MIT', true],
  ['GPL-2+', false],
  ['MIT AND GPL-3.0', false],
  ['MIT, and LGPL-2.1', false],
  ['BSD-3-Clause or Apache-2.0 and GPL-2', true],
  ['GPL-2 and MIT or GPL-3', false],
  ['SEE LICENSE IN LICENSE.md', false],
  ['UNLICENSED', false],
  ['MPL-2.0', false],
  ['other', false],
  ['', false],
])('%j is permissive: %j', (expression, expected) => {
  expect(isPermissive(expression)).toBe(expected);
});

test('package.json states its licence in three ways', () => {
  expect(packageJsonLicence({ license: 'MIT' })).toBe('MIT');
  expect(packageJsonLicence({ license: { type: 'ISC', url: 'x' } })).toBe('ISC');
  expect(packageJsonLicence({ licenses: [{ type: 'MIT' }, { type: 'GPL-2.0' }] })).toBe('MIT OR GPL-2.0');
  expect(packageJsonLicence({})).toBeUndefined();
  expect(packageJsonLicence(null)).toBeUndefined();
});

test('a Debian copyright file counts by its main stanza', () => {
  const file = 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n';
  const main = 'Files: *\nCopyright: somebody\nLicense: BSD-3-Clause\n text\n';
  const other = 'Files: debian/*\nLicense: GPL-3+\n';
  expect(debianLicence(`${file}${other}\n${main}`)).toBe('BSD-3-Clause');
  expect(debianLicence(`${file}${other}`)).toBeUndefined();
  expect(debianLicence('This package is free software under some licence.')).toBeUndefined();
  expect(debianLicence('... PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2 ...')).toBe('PSF-2.0');
});

test('a single file may state another licence than its package', () => {
  expect(statesCopyleft(' * under the terms of the GNU General\n * Public License as published')).toBe(true);
  expect(statesCopyleft('// This is a general public licence server.')).toBe(false);
  expect(statesCopyleft('# under the terms of the GNU Lesser General Public License')).toBe(true);
  expect(statesCopyleft('// SPDX-License-Identifier: MPL-2.0')).toBe(true);
  expect(statesCopyleft('// SPDX-License-Identifier: MIT')).toBe(false);
});
