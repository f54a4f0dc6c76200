import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** An nginx with one worker that serves a directory and takes WebDAV uploads below `/dav/`. */
export interface Nginx {
  readonly url: string;
  readonly root: string;
  readonly stop: () => Promise<void>;
}

/** Starts Debian's nginx in a directory of its own. */
export async function startNginx(directory: string): Promise<Nginx> {
  const root = join(directory, 'root');
  for (const path of [join(root, 'dav'), join(directory, 'uploads')]) mkdirSync(path, { recursive: true });
  const port = await freePort();
  const configuration = join(directory, 'nginx.conf');
  writeFileSync(
    configuration,
    `daemon off; worker_processes 1; user root; pid ${directory}/nginx.pid; error_log ${directory}/error.log;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_body_temp_path ${directory}/uploads; client_max_body_size 0;
  server {
    listen 127.0.0.1:${port}; root ${root};
    location /dav/ { dav_methods PUT DELETE; create_full_put_path on; }
  }
}
`,
  );
  const child = spawn('nginx', ['-c', configuration], { stdio: 'ignore' });
  await once(child, 'spawn');
  const url = `http://127.0.0.1:${port}`;
  while (!(await answers(url))) {
    if (child.exitCode !== null) throw new Error(`nginx ended: see ${directory}/error.log`);
    await pause(20);
  }
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  };
  return { url, root, stop };
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
