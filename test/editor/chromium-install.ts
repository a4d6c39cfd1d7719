/**
 * A headless Chromium that needs nothing of the system: the npm package brings the browser, the few shared libraries
 * that it links and SwiftShader, all compressed; fonts come from another package. It exists for Linux on x64 only,
 * elsewhere the Chromium or Chrome on PATH is used.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { cacheFolder, installOnce } from './cache.ts';
import { npm } from './npm.ts';

const CHROMIUM = '147.0.0';
const FONTS = '2.37.3';

export interface Chromium {
  executable: string;
  env: Record<string, string>;
}

/** Where it is installed; SwiftShader, its Vulkan for machines without a GPU, lies there too. */
export function chromiumFolder(): string {
  return join(cacheFolder(), `chromium-${CHROMIUM}`);
}

export async function installChromium(say: (line: string) => void): Promise<Chromium> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return { executable: installedChromium(), env: {} };
  const folder = await installOnce(`chromium-${CHROMIUM}`, async (aside) => {
    say(`installing Chromium ${CHROMIUM} for the editor tests (once; about 250 MB)`);
    const packages = [`@sparticuz/chromium@${CHROMIUM}`, `dejavu-fonts-ttf@${FONTS}`];
    await npm(aside, 'install', `--prefix=${aside}`, '--ignore-scripts', '--engine-strict=false', ...packages);
    unpack(join(aside, 'node_modules/@sparticuz/chromium/bin'), aside);
    rmSync(join(aside, 'node_modules/@sparticuz'), { recursive: true });
  });
  return {
    executable: join(folder, 'chromium'),
    env: { LD_LIBRARY_PATH: join(folder, 'lib'), FONTCONFIG_FILE: fontsConfiguration(folder) },
  };
}

function unpack(compressed: string, folder: string): void {
  const read = (name: string): Buffer => brotliDecompressSync(readFileSync(join(compressed, name)));
  writeFileSync(join(folder, 'chromium'), read('chromium.br'), { mode: 0o755 });
  for (const archive of ['al2023.tar.br', 'swiftshader.tar.br', 'fonts.tar.br']) {
    const { status, stderr } = spawnSync('tar', ['-x', '-C', folder], { input: read(archive) });
    if (status !== 0) throw new Error(`Cannot unpack ${archive} of Chromium into ${folder}: ${stderr}`);
  }
}

/** Where Debian and others put fonts with Chinese characters (fonts-wqy-microhei, fonts-noto-cjk and their like). */
const CHINESE_FONTS = ['truetype/wqy', 'opentype/noto', 'noto-cjk', 'google-noto-cjk', 'wqy-microhei-fonts'];

/**
 * Only the fonts that were installed with it, so that screenshots look the same everywhere; for Chinese, whose fonts are
 * large, those of the machine if it has any.
 */
function fontsConfiguration(folder: string): string {
  const chinese = CHINESE_FONTS.map((name) => join('/usr/share/fonts', name)).filter((path) => existsSync(path));
  const file = join(folder, chinese.length > 0 ? 'fonts-with-chinese.conf' : 'fonts-in-use.conf');
  if (existsSync(file)) return file;
  const cache = join(folder, 'fonts-cache');
  mkdirSync(cache, { recursive: true });
  const prefer = (generic: string, family: string): string =>
    `<alias><family>${generic}</family><prefer><family>${family}</family></prefer></alias>`;
  writeFileSync(
    file,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
${[join(folder, 'fonts'), join(folder, 'node_modules/dejavu-fonts-ttf/ttf'), ...chinese].map((path) => `<dir>${path}</dir>`).join('')}<cachedir>${cache}</cachedir>
${prefer('monospace', 'DejaVu Sans Mono')}${prefer('sans-serif', 'Open Sans')}${prefer('system-ui', 'Open Sans')}
</fontconfig>`,
  );
  return file;
}

function installedChromium(): string {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = [
    ...folders.flatMap((folder) => names.map((name) => join(folder, name))),
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ];
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found) return found;
  throw new Error(
    'The editor tests need Chromium or Google Chrome; install one of them (Debian: apt-get install chromium).',
  );
}
