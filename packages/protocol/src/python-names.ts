const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The name that clients use, of one that is on the disk of a Python server, or in a listing of it: there it is the UTF-8
 * of the Latin-1 reading of its UTF-8 bytes (`ż`, which is C5 BC, as C3 85 C2 BC). Undefined where that cannot be undone.
 * The order of the bytes of names is the same before and after.
 */
export function undoLatin1(mangled: Uint8Array): string | undefined {
  try {
    const characters = strictUtf8.decode(mangled);
    if (/[\u0100-\uffff]/.test(characters)) return undefined;
    return strictUtf8.decode(Buffer.from(characters, 'latin1'));
  } catch {
    return undefined;
  }
}
