export { BATCH_LIMITS, BATCH_TYPE, type BatchAnswer, type BatchHead } from './batch.js';
export { type Digest, EMPTY_CONTENT, parseDigest } from './digest.js';
export { ERROR_STATUS, type ErrorCode, ProtocolError } from './errors.js';
export {
  CHECKSUM_HEADER,
  EXCEPTION_HEADER,
  LOGICAL_SIZE_HEADER,
  PROTOCOL_HEADER,
  PROTOCOL_VERSIONS,
} from './headers.js';
export {
  type DirectoryName,
  type FileName,
  MAX_COMPONENT_BYTES,
  MAX_NAME_BYTES,
  parseDirectoryName,
  parseFileName,
  type SplitName,
  splitName,
  versionedName,
} from './name.js';
export { undoLatin1 } from './python-names.js';
export { parseDuration, parseSize } from './quantity.js';
export { currentVersion, formatDate, MAX_VERSION, parseDate, toVersion, type Version } from './version.js';
