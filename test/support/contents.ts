import { createCipheriv, createHash } from 'node:crypto';

/** Bytes that look random, cannot be compressed, and are the same for the same seed. */
export function incompressible(seed: string, length: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** SHA-256 in hexadecimal. */
export function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
