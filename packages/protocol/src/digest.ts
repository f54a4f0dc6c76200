import { ProtocolError } from './errors.js';

declare const digestBrand: unique symbol;

/** SHA-256 of a file's plain content, as 64 lower-case hexadecimal digits. */
export type Digest = string & { readonly [digestBrand]: true };

/** The digest of the content of no bytes. */
export const EMPTY_CONTENT = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' as Digest;

/** Reads a digest in either case. Throws {@link ProtocolError} `invalid_digest` for anything but 64 hex digits. */
export function parseDigest(text: string): Digest {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) {
    throw new ProtocolError('invalid_digest', 'SHA256-Checksum must be 64 hexadecimal digits');
  }
  return text.toLowerCase() as Digest;
}
