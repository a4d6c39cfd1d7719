/**
 * Keys, tokens and passwords in source text. A model repeats what it has read: a file with something in it that looks
 * like a live secret is not trained on, though most are of tests and documentation.
 */

/** Forms that services publish so that leaked keys can be found. */
const knownForms = [
  /-----BEGIN ([A-Z]+ )?PRIVATE KEY( BLOCK)?-----/,
  /\b(AKIA|ASIA)[0-9A-Z]{16}\b/,
  /\bgh[pousr]_[A-Za-z0-9]{36}\b/,
  /\bgithub_pat_[A-Za-z0-9_]{60,}/,
  /\bglpat-[A-Za-z0-9_-]{20}\b/,
  /\bnpm_[A-Za-z0-9]{36}\b/,
  /\bpypi-AgE[A-Za-z0-9_-]{50,}/,
  /\bhf_[A-Za-z]{34}\b/,
  /\bxox[abprs]-[A-Za-z0-9-]{20,}/,
  /\bhooks\.slack\.com\/services\/T[A-Z0-9]{8,}\/B[A-Z0-9]{8,}\/[A-Za-z0-9]{20,}/,
  /\bAIza[0-9A-Za-z_-]{35}\b/,
  /\bya29\.[0-9A-Za-z_-]{40,}/,
  /\bsk-[A-Za-z0-9_-]{40,}/,
  /\b[sr]k_live_[0-9a-zA-Z]{20,}/,
  /\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b/,
  /\bshp(at|ca|pa|ss)_[a-fA-F0-9]{32}\b/,
  /\bdop_v1_[a-f0-9]{64}\b/,
  /\bAccountKey=[A-Za-z0-9+/]{86}==/,
  /\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}/,
];

/** `apiKey: "…"`, `SECRET_TOKEN = '…'`, `"password": "…"`: a name that says secret, and a quoted text of 16 signs or more. */
const assignment =
  /(?:api|access|auth|account|private|secret|client|encryption|signing)[_-]?(?:key|token|secret)s?|passw(?:or)?d|passphrase|credential|bearer/gi;
const quotedValue = /^["'`]?\s*(?::\s*[A-Za-z]+\s*)?(?:=|:|=>|,)\s*["'`]([A-Za-z0-9+/=_.-]{16,200})["'`]/;

/** Bits for each sign: English identifiers of this length have about 3.3, random base64 above 4, random hex about 3.7. */
const leastEntropy = 3.6;
/** Random text of 16 signs of base64 lacks a digit once in 16 times; words seldom have two. */
const leastDigits = 2;

export function hasSecret(text: string): boolean {
  return knownForms.some((form) => form.test(text)) || hasSecretAssignment(text);
}

function hasSecretAssignment(text: string): boolean {
  for (const { 0: name, index } of text.matchAll(assignment)) {
    const after = index + name.length;
    const value = quotedValue.exec(text.slice(after, after + 260))?.[1];
    if (value !== undefined && looksRandom(value)) return true;
  }
  return false;
}

/** Letters and digits without an order: no words, no counting up, not one sign over and over. */
function looksRandom(value: string): boolean {
  const digits = value.match(/[0-9]/g)?.length ?? 0;
  if (digits < leastDigits || !/[A-Za-z]/.test(value) || /example|placeholder|sample|dummy|your|test/i.test(value)) {
    return false;
  }
  return entropy(value) >= leastEntropy;
}

/** Shannon's entropy of the signs of a text, bits for each. */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const sign of text) counts.set(sign, (counts.get(sign) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
