import type { Server, Socket } from 'node:net';

/** What the connections of a server have carried. Sockets count by themselves, so that a request costs nothing. */
export class Traffic {
  readonly #open = new Set<Socket>();
  #accepted = 0;
  #refused = 0;
  #received = 0;
  #sent = 0;

  /**
   * Counts the connections of `server` from now on.
   *
   * @param event what it emits with a connection: with TLS another than without
   */
  watch(server: Server, event: 'connection' | 'secureConnection'): void {
    server.on('drop', () => this.#refused++);
    server.on(event, (socket: Socket) => {
      this.#accepted++;
      this.#open.add(socket);
      socket.once('close', () => {
        this.#open.delete(socket);
        this.#received += socket.bytesRead;
        this.#sent += socket.bytesWritten;
      });
    });
  }

  /** Connections accepted and refused so far, and open now; bytes received and sent so far, with all headers. */
  figures() {
    let received = this.#received;
    let sent = this.#sent;
    for (const socket of this.#open) {
      received += socket.bytesRead;
      sent += socket.bytesWritten;
    }
    return { accepted: this.#accepted, refused: this.#refused, open: this.#open.size, received, sent };
  }
}
