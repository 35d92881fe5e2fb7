/** Fingerprints of bytes and of plain data. */

/** sha256 of the bytes, hex. @param bytes borrowed */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** sha256 of plain data, hex: of its JSON, so key order counts. */
export function sha256OfJson(value: unknown): Promise<string> {
  return sha256Hex(new TextEncoder().encode(JSON.stringify(value)));
}
