/** Header of uploads and replies: SHA-256 of the plain content in hexadecimal. */
export const CHECKSUM_HEADER = 'SHA256-Checksum';

/** Header of uploads and replies: length of the plain content in bytes. */
export const LOGICAL_SIZE_HEADER = 'Logical-Size';

/** Header of error replies: the reason in one line. */
export const EXCEPTION_HEADER = 'X-Exception';

/** Header of requests that speak protocol 3, and of the replies to them. */
export const PROTOCOL_HEADER = 'Filetracker-Protocol';

/** The protocols spoken here, as `GET /version` lists them. */
export const PROTOCOL_VERSIONS: readonly number[] = [2, 3];
