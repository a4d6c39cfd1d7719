import { describe, expect, it } from 'vitest';
import { outsideModules, targetName } from '../../../packaging/contents.ts';
import { type Manifest, vsixManifest } from '../../../packaging/vsix.ts';

const manifest: Manifest = {
  name: 'cloze',
  displayName: 'Cloze & Co',
  description: 'Fills <blanks>',
  version: '1.2.3',
  publisher: 'someone',
  engines: { vscode: '^1.100.0' },
  icon: 'media/icon.png',
  categories: ['AI'],
  keywords: ['a', 'b'],
  extensionKind: ['workspace'],
};
const file = (path: string) => ({ path, executable: false });

describe('the manifest of a package', () => {
  const text = vsixManifest(manifest, { os: 'linux', cpu: 'arm64' }, [
    file('package.json'),
    file('package.nls.json'),
    file('package.nls.zh-cn.json'),
    file('README.md'),
  ]);

  it('names the platform, the editor and the languages', () => {
    expect(targetName({ os: 'win32', cpu: 'x64' })).toBe('win32-x64');
    expect(text).toContain('Id="cloze" Version="1.2.3" Publisher="someone" TargetPlatform="linux-arm64"');
    expect(text).toContain('Code.Engine" Value="^1.100.0"');
    expect(text).toContain('Code.LocalizedLanguages" Value="zh-cn"');
  });

  it('lists the assets that are there and no others', () => {
    expect(text).toContain('Path="extension/package.json"');
    expect(text).toContain('Path="extension/README.md"');
    expect(text).not.toContain('CHANGELOG.md');
  });

  it('escapes what would be markup', () => {
    expect(text).toContain('<DisplayName>Cloze &amp; Co</DisplayName>');
    expect(text).toContain('Fills &lt;blanks&gt;');
  });
});

describe('modules that the bundles leave outside', () => {
  it.each([
    ['var a=require("onnxruntime-node");', ['onnxruntime-node']],
    ['await import("onnxruntime-node")', ['onnxruntime-node']],
    ["import * as ort from 'onnxruntime-node';", ['onnxruntime-node']],
    ['// onnxruntime-node is not asked for here', []],
  ])('%s', (bundle, modules) => {
    expect(outsideModules([bundle])).toEqual(modules);
  });
});
